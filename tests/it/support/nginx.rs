//! A real nginx with the documented configuration, on a free port and in its own folder.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// The main configuration around `docs/examples/nginx.conf`: one foreground process, and all files in the test's folder.
const MAIN: &str = r"
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
    access_log off;
    types { text/html html; text/css css; text/javascript js; }
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
";

/// A running nginx, stopped on drop.
pub struct Nginx {
    process: Child,
    /// The listening address, `127.0.0.1:PORT`.
    pub address: String,
    folder: TempDir,
    log: Arc<Mutex<Vec<String>>>,
}

impl Nginx {
    /// Starts nginx in front of the server at this address.
    pub fn in_front_of(server: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let documented = std::fs::read_to_string(root.join("docs/examples/nginx.conf")).unwrap();
        let folder = TempDir::new().unwrap();
        // The port was free just now, and no other test requests a port by number.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut site = documented;
        for (written, here) in [
            ("server 127.0.0.1:8000;", format!("server {server};")),
            ("listen 80;", format!("listen {address};")),
            ("/usr/share/callannotate/browser", root.join("docs/examples/browser").display().to_string()),
        ] {
            assert_eq!(site.matches(written).count(), 1, "{written}");
            site = site.replace(written, &here);
        }
        std::fs::write(folder.path().join("site.conf"), site).unwrap();
        std::fs::write(folder.path().join("nginx.conf"), MAIN).unwrap();
        let process = Command::new(program())
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nginx is there: `make test` installs it");
        let mut nginx = Self { process, address, folder, log: Arc::default() };
        let mut lines = BufReader::new(nginx.process.stderr.take().unwrap()).lines();
        let mut seen = String::new();
        // Its sockets are open before it logs its event method.
        while !seen.contains("event method") {
            let line = lines.next().unwrap_or_else(|| panic!("nginx ended:\n{seen}")).unwrap();
            seen = format!("{seen}{line}\n");
        }
        let log = Arc::clone(&nginx.log);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| log.lock().unwrap().push(line)));
        nginx
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The warnings and errors so far; buffering a body on disk is one of them.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| !line.contains("[notice]")).cloned().collect()
    }

    /// The peak memory of the process, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The files in its folder for request bodies.
    pub fn bodies_on_disk(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("body")).unwrap().count()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Debian installs nginx in a folder that is only in root's PATH.
fn program() -> PathBuf {
    let usual = PathBuf::from("/usr/sbin/nginx");
    if usual.exists() { usual } else { PathBuf::from("nginx") }
}
