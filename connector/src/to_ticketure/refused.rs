//! Edits in Salesforce of what goes forward only: none of them goes back, and each is told with what to do instead.

use std::collections::BTreeMap;

use runtime::entity::Kind;
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{ASK, NewItem, Outcome, StoreError, TreeRecord};
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use crate::handlers::{memberships, staff};
use crate::sync::TwoWaySync;
use crate::sync::outcome::dead;
use crate::trees::{is_of_root, once_more};

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

    /// Enqueues trees whose sale a user has edited or corrected, so that their worker reads them and reports the edit.
    pub(crate) async fn look_at_touched(
        &self,
        root: &'static MappingDescriptor,
        records: &[Record],
    ) -> Result<(), StoreError> {
        let id_of = |record: &Record| record.get("Id").and_then(Value::as_str).map(normalise);
        let ids = records.iter().filter_map(id_of).collect();
        let links = self.store.links_by_destination(root.name, ids).await?;
        let roots: Vec<String> = links.values().map(|link| link.source_id.clone()).collect();
        if roots.is_empty() {
            return Ok(());
        }
        let kept = self.store.tree_records(root.name, roots.clone()).await?;
        let problems = self.store.open_problems(root.name, roots).await?;
        let mut items = Vec::new();
        for record in records {
            let link = id_of(record).and_then(|id| links.get(&id));
            let Some(link) = link else { continue };
            let id = &link.source_id;
            let own: Vec<&TreeRecord> = kept.iter().filter(|one| one.root == *id).collect();
            let is_open = problems
                .iter()
                .any(|problem| problem.key == *id && staff::is_cause(&problem.cause));
            if !is_open && !self.is_touched(root, &own, record) {
                continue;
            }
            let stamp = record.get("SystemModstamp").and_then(Value::as_str);
            items.push(NewItem {
                payload: ASK.to_owned(),
                dedupe: Some(format!(
                    "{} {id} changed {}",
                    root.name,
                    stamp.unwrap_or_default()
                )),
                ..once_more(root.name, id)
            });
        }
        match items.is_empty() {
            true => Ok(()),
            false => self.store.add(items).await.map(|_| ()),
        }
    }

    fn is_touched(
        &self,
        root: &'static MappingDescriptor,
        kept: &[&TreeRecord],
        record: &Record,
    ) -> bool {
        let key = record.get(root.external_id).and_then(Value::as_str);
        let mapping = |one: &TreeRecord| self.mapping(&one.mapping);
        let mut roots = kept
            .iter()
            .filter(|one| mapping(one).is_some_and(|mapping| is_of_root(root, mapping)));
        let lines = kept.iter().copied();
        let lines = lines.filter(|one| mapping(one).is_some_and(staff::is_line));
        let lines: Vec<&TreeRecord> = lines.collect();
        let own = roots.find(|one| key.is_none_or(|key| key == one.root));
        let has_amount = staff::writes_amount(root);
        own.is_some_and(|own| staff::is_touched(own, has_amount, &lines, record))
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
        // A tree that leaves a record blanks its fields there, also its key.
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
