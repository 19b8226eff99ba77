//! The files and sections of the documentation that are made from tables in the code: settings, job options, error codes.

use std::path::PathBuf;

use callannotate::api::openapi;
use callannotate::jobs::options;
use callannotate::{config, tables};

use super::root;

/// A page with these sections replaced; each must be in it.
fn filled(path: &str, sections: &[(&str, String)]) -> (PathBuf, String) {
    let path = root().join(path);
    let page = std::fs::read_to_string(&path).unwrap();
    let fill = |page: String, (name, content): &(&str, String)| {
        assert!(page.contains(&format!("<!-- generated: {name} -->")), "{} has no section {name}", path.display());
        tables::fill(&page, name, content)
    };
    let filled = sections.iter().fold(page, fill);
    (path, filled)
}

#[test]
fn the_files_made_from_tables_are_what_the_code_says() {
    let made = [
        (root().join("config/default.yaml"), config::default_file().to_owned()),
        (root().join("docs/errors.md"), openapi::errors_page()),
        filled("docs/configuration.md", &[("settings", config::settings_table()), ("short names", config::short_names_table())]),
        filled("docs/api-specification.md", &[("job options", options::reference_table())]),
    ];
    for (path, text) in made {
        super::hold(&path, &text);
    }
}
