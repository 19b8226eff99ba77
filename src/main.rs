//! The command line.

fn main() -> std::process::ExitCode {
    callannotate::cli::run()
}
