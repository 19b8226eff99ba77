//! The failed checks of one request. The first are listed and the others are only counted, so that an answer does not grow with
//! the number of mistakes in the request.

use super::{FailedCheck, Mistake};

/// The greatest number of mistakes that are listed.
pub const MAX_LISTED: usize = 20;

/// All mistakes in a request: the first [`MAX_LISTED`] of them, and the number of the others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checks {
    listed: Vec<FailedCheck>,
    unlisted: u64,
}

impl Checks {
    pub fn one(field: impl Into<String>, mistake: Mistake) -> Self {
        Self { listed: vec![FailedCheck::new(field, mistake)], unlisted: 0 }
    }

    pub fn push(&mut self, check: FailedCheck) {
        self.push_with(|| check);
    }

    /// Adds a mistake of which there may be many: it is built only if it is listed.
    pub fn push_with(&mut self, check: impl FnOnce() -> FailedCheck) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(check());
        } else {
            self.unlisted += 1;
        }
    }

    /// Adds the mistakes of another part of the request.
    pub fn append(&mut self, others: Self) {
        for check in others.listed {
            self.push(check);
        }
        self.unlisted += others.unlisted;
    }

    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The mistakes that are listed.
    pub fn listed(&self) -> &[FailedCheck] {
        &self.listed
    }

    /// The number of mistakes beside the listed ones.
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// The message for developers, always in English.
    pub fn developer_message(&self) -> String {
        let mut messages: Vec<String> = self.listed.iter().map(FailedCheck::developer_message).collect();
        if self.unlisted > 0 {
            messages.push(format!("and {} more", self.unlisted));
        }
        messages.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mistakes_are_listed_and_the_others_counted() {
        let mut checks = Checks::one("options.0", Mistake::Repeated);
        for number in 1..MAX_LISTED {
            checks.push_with(|| FailedCheck::new(format!("options.{number}"), Mistake::Repeated));
        }
        assert_eq!((checks.listed().len(), checks.unlisted()), (MAX_LISTED, 0));
        checks.push_with(|| unreachable!("it is only counted"));
        let mut all = Checks::one("metadata", Mistake::NotAnObject);
        all.append(checks);
        assert_eq!((all.listed().len(), all.unlisted()), (MAX_LISTED, 2));
        assert_eq!(all.listed()[1].field, "options.0");
        assert!(all.developer_message().ends_with("options.18: is given more than once; and 2 more"));
    }
}
