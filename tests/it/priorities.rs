//! Threads that compute have a lower priority than those that answer requests.

use crate::support::observed::Observed;

/// The name and the nice value of each thread of a process. Source: proc_pid_stat(5), field 19.
fn threads(process: u32) -> Vec<(String, i32)> {
    let folder = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let stats = folder.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
    let thread = |stat: String| {
        let (before, after) = stat.rsplit_once(") ").unwrap();
        let name = before.split_once('(').unwrap().1.to_owned();
        (name, after.split(' ').nth(16).unwrap().parse().unwrap())
    };
    stats.map(thread).collect()
}

#[tokio::test]
async fn models_have_a_lower_priority_than_requests() {
    let volume = tempfile::tempdir().unwrap();
    let server = Observed::start(volume.path(), &[]).unwrap();
    let threads = threads(server.id());
    let nice_of = |name: &str| -> Vec<i32> {
        let mut found: Vec<i32> = threads.iter().filter(|(found, _)| found == name).map(|(_, nice)| *nice).collect();
        found.dedup();
        found
    };
    let [own] = nice_of("callannotate")[..] else { panic!("{threads:?}") };
    assert_eq!(nice_of("tokio-rt-worker"), [own]);
    let lower = (own + 10).min(19);
    assert_eq!((nice_of("engine"), nice_of("rten-0")), (vec![lower], vec![lower]));
    server.kill();
}
