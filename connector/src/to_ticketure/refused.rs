//! Edits in Salesforce of what goes forward only: none of them goes back, and each is told with what to do instead.

use std::collections::BTreeMap;

use runtime::entity::Kind;
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Outcome, StoreError, TreeRecord};
use serde_json::{Map, Value};

use crate::handlers::memberships;
use crate::sync::TwoWaySync;
use crate::sync::outcome::dead;

type Record = Map<String, Value>;

impl TwoWaySync {
    /// What the roots of these records were given last, by their ids in Salesforce.
    pub(crate) async fn given_roots(
        &self,
        root: &'static MappingDescriptor,
        ids: Vec<String>,
    ) -> Result<BTreeMap<String, TreeRecord>, StoreError> {
        let links = self.store.links_by_destination(root.name, ids).await?;
        let roots = links.into_values().map(|link| link.source_id).collect();
        let records = self.store.tree_records(root.name, roots).await?;
        let own = records
            .into_iter()
            .filter(|record| record.mapping == root.name);
        Ok(own
            .map(|record| (record.destination_id.clone(), record))
            .collect())
    }

    /// The fields that the record has otherwise than they were written.
    pub(crate) fn edits(
        &self,
        root: &'static MappingDescriptor,
        given: &TreeRecord,
        record: &Record,
    ) -> Vec<&'static str> {
        let mut before = root.new_record();
        let mut now = root.new_record();
        let text = Value::Object(record.clone()).to_string();
        if json::read(before.as_mut(), given.base.as_bytes()).is_err()
            || json::read(now.as_mut(), text.as_bytes()).is_err()
        {
            return Vec::new();
        }
        // A tree that leaves a record takes back what it said there, its key among it.
        let key = record.get(root.external_id);
        if key.is_some_and(|key| key.as_str() != Some(given.root.as_str())) {
            return Vec::new();
        }
        let npsp = self.has_npsp();
        let fields = root.record.fields.iter().enumerate();
        let watched = fields.filter(|(index, field)| {
            let is_plain = !matches!(field.kind, Kind::Reference { .. } | Kind::Lookup(_));
            root.sync(*index).monitored && is_plain && (npsp || !field.needs_npsp)
        });
        let edited = watched.filter(|(index, field)| {
            let (was, is) = (before.slot(*index), now.slot(*index));
            let is_shown = field
                .path
                .first()
                .is_some_and(|name| record.contains_key(*name));
            let both_blank = was.is_blank() && is.is_blank();
            is_shown && !was.is_absent() && !both_blank && !was.equivalent(is)
        });
        edited
            .filter_map(|(_, field)| field.path.last().copied())
            .collect()
    }

    /// Why an edit does not go back, and what to do instead.
    pub(crate) fn refuse_edit(
        &self,
        root: &'static MappingDescriptor,
        given: &TreeRecord,
        fields: &[&'static str],
    ) -> Outcome {
        let help = memberships::instead_of_editing(root.name);
        let line = fields.first().and_then(|field| root.place(field));
        dead(
            "edit_refused",
            format!(
                "{} {} was changed in Salesforce ({}), and Ticketure keeps its own",
                root.name,
                given.root,
                fields.join(", ")
            ),
            line,
            help,
        )
    }
}
