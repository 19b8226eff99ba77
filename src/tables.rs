//! What the tables in the code have in common (job options, error codes, settings): helpers of the macros that read their
//! rows, and the sections of the documentation that are made from them.
//!
//! A page marks such a section with `<!-- generated: NAME -->` and `<!-- end -->`. A test holds each page against the code and
//! rewrites it with `UPDATE_DOCS=1`. Pure text: no files here.

const END: &str = "<!-- end -->";

/// A page with the section of this name replaced. A page without the section stays as it is.
pub fn fill(page: &str, name: &str, content: &str) -> String {
    let begin = format!("<!-- generated: {name} -->\n");
    let Some((before, rest)) = page.split_once(&begin) else { return page.to_owned() };
    let Some((_, after)) = rest.split_once(END) else { return page.to_owned() };
    format!("{before}{begin}\n{content}\n{END}{after}")
}

/// A table of these columns.
pub fn table<const COLUMNS: usize>(heads: [&str; COLUMNS], rows: impl Iterator<Item = Vec<String>>) -> String {
    // An empty cell has one space.
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ")).replace("  |", " |");
    let mut table = line(&heads.map(str::to_owned));
    table += &line(&heads.map(|_| "---".to_owned()));
    for row in rows {
        table += &line(&row);
    }
    table
}

/// A text as one line, such as a doc comment or the message of a parser.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first of its arguments: the column of a row if it has one, else its default.
macro_rules! first {
    ($first:expr $(, $rest:expr)*) => {
        $first
    };
}

/// `Some` of what a row has, else `None`.
macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

pub(crate) use {first, optional};
