//! `config/default.yaml` and the tables of `docs/configuration.md`, made from the settings.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::settings::SETTINGS;
use crate::tables;

/// The first lines of the file.
const HEAD: &str = "\
# Every setting of CallAnnotate with its default, made from src/config/settings.rs. The file that CONFIG_PATH names is read on top
# of the defaults and may have just the settings that differ. Environment variables override both:
# CALLANNOTATE__SECTION__KEY for every setting (CALLANNOTATE__SERVER__PORT=0), and the short names given below.
";

/// Longest line of a comment, in characters.
const LINE: usize = 120;

/// `config/default.yaml`: every setting with its default and its comment.
pub fn default_file() -> &'static str {
    static FILE: LazyLock<String> = LazyLock::new(|| {
        let mut file = HEAD.to_owned();
        let mut section = "";
        for setting in SETTINGS {
            if setting.section != section {
                section = setting.section;
                let _ = writeln!(file, "\n{section}:");
            }
            let also = setting.short_name.map(|name| format!(" Also {name}.")).unwrap_or_default();
            for line in wrapped(&format!("{}{also}", setting.comment())) {
                let _ = writeln!(file, "  # {line}");
            }
            let _ = writeln!(file, "  {}: {}", setting.key, setting.default());
        }
        file
    });
    &FILE
}

/// The table of all settings.
pub fn settings_table() -> String {
    let row = |setting: &super::define::Setting| {
        let comment = linked(&setting.comment()).replace('|', "\\|").replace('<', "&lt;");
        vec![format!("`{}`", setting.name()), format!("`{}`", setting.default()), comment]
    };
    tables::table(["setting", "default", "meaning"], SETTINGS.iter().map(row))
}

/// The table of the short names.
pub fn short_names_table() -> String {
    let row = |setting: &super::define::Setting| {
        setting.short_name.map(|name| vec![format!("`{name}`"), format!("`{}`", setting.name())])
    };
    tables::table(["short name", "setting"], SETTINGS.iter().filter_map(row))
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text with the pages of `docs/` as links, for a page beside them.
fn linked(text: &str) -> String {
    let link = |word: &str| {
        let bare = word.trim_matches(['(', ')', '.', ',']);
        match bare.strip_prefix("docs/") {
            Some(page) => word.replace(bare, &format!("[{page}]({page})")),
            None => word.to_owned(),
        }
    };
    text.split(' ').map(link).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_comment_and_a_row_and_a_name_of_its_own() {
        let table = settings_table();
        for setting in SETTINGS {
            let name = setting.name();
            assert!(setting.comment().split(' ').count() > 3, "{name} has no comment");
            assert!(table.contains(&format!("| `{name}` | `{}` | ", setting.default())), "{name}");
            assert_eq!(SETTINGS.iter().filter(|other| other.name() == name).count(), 1, "{name} is defined twice");
        }
    }
}
