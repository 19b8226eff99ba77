//! `docs/errors.md`, with its tables of codes made from the code: the page that `help_url` leads to.

use super::codes::Code;
use crate::jobs::FailureCode;
use crate::tables;

const PAGE: &str = include_str!("../../../docs/errors.md");

/// The page with the tables of this version.
pub(crate) fn page() -> String {
    tables::fill(&tables::fill(PAGE, "codes of requests", &codes_of_requests()), "codes of jobs", &codes_of_jobs())
}

fn codes_of_requests() -> String {
    let row = |code: Code| {
        let name = format!("<a id=\"{}\"></a>`{}`", code.anchor(), code.name());
        vec![name, code.status().as_str().to_owned(), code.meaning(), code.remedy().to_owned()]
    };
    tables::table(["code", "status", "meaning", "what to do"], Code::all().map(row))
}

fn codes_of_jobs() -> String {
    let row = |code: FailureCode| vec![format!("`{}`", code.name()), code.meaning()];
    tables::table(["code", "meaning"], FailureCode::all().map(row))
}
