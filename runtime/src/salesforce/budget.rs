//! API calls of a day, and the part of them that is left to the museum's other integrations.

use super::ApiUsage;

/// What may still be spent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    reserve_percent: u8,
    /// Salesforce's own count, of the latest answer that told.
    usage: Option<ApiUsage>,
    /// Calls that it does not count yet.
    under_way: u64,
}

impl Budget {
    pub(super) fn new(reserve_percent: u8) -> Self {
        Budget {
            reserve_percent,
            ..Budget::default()
        }
    }

    pub(super) fn usage(&self) -> Option<ApiUsage> {
        self.usage
    }

    pub(super) fn note(&mut self, usage: ApiUsage) {
        self.usage = Some(usage);
    }

    pub(super) fn begin(&mut self) {
        self.under_way += 1;
    }

    pub(super) fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Why one call more would be one of the reserve.
    pub(super) fn spent(&self) -> Option<String> {
        let ApiUsage { used, limit } = self.usage?;
        // Rounded up: a small limit has a reserve as well.
        let reserve = (u128::from(limit) * u128::from(self.reserve_percent)).div_ceil(100);
        let gone = u128::from(used) + u128::from(self.under_way) + reserve;
        (gone >= u128::from(limit)).then(|| {
            format!(
                "{used} of the {limit} API calls of 24 hours are used, and {reserve} are left to others (api_reserve_percent in usher.toml)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(used: u64, limit: u64, under_way: u64) -> bool {
        let mut budget = Budget::new(10);
        budget.note(ApiUsage { used, limit });
        (0..under_way).for_each(|_| budget.begin());
        budget.spent().is_some()
    }

    #[test]
    fn the_reserve_is_never_used() {
        assert!(!of(89, 100, 0));
        assert!(of(90, 100, 0));
        assert!(of(13_500, 15_000, 0));
        assert!(of(4, 5, 0), "a small limit has a reserve as well");
        assert!(!of(1, u64::MAX, 0) && of(u64::MAX, u64::MAX, 1));
    }

    #[test]
    fn calls_under_way_count_before_salesforce_counts_them() {
        assert!(!of(85, 100, 4));
        assert!(of(85, 100, 5));
    }

    #[test]
    fn nothing_is_known_before_the_first_answer_and_nothing_kept_where_nothing_is_reserved() {
        assert_eq!(Budget::new(10).spent(), None);
        let mut all = Budget::new(0);
        all.note(ApiUsage {
            used: 99,
            limit: 100,
        });
        assert_eq!(all.spent(), None);
    }
}
