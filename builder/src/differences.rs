//! In what a command differs from the one that the running host was built with, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::recipe::Recipe;
use crate::record::Record;

/// In what the hot crate's new command differs from the one that the host was built with.
pub(crate) fn differences(before: &Recipe, now: &Record) -> Vec<String> {
    let Some(old) = before.units.get(&before.hot).and_then(|unit| unit.record.as_ref()) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let names = |record: &Record| {
        let externs = record.args.externs();
        externs.map(|it| (it.name, it.path)).collect::<BTreeMap<String, Option<PathBuf>>>()
    };
    let (was, is) = (names(old), names(now));
    for (name, path) in &is {
        match was.get(name) {
            None => out.push(format!("the dependency {name} was added")),
            Some(old) if old != path => {
                out.push(format!("the dependency {name} has another version or other features"));
            }
            Some(_) => {}
        }
    }
    let gone = was.keys().filter(|name| !is.contains_key(*name));
    out.extend(gone.map(|name| format!("the dependency {name} was removed")));
    let features = |record: &Record| {
        record.args.values("--cfg").map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let (was, is) = (features(old), features(now));
    out.extend(is.difference(&was).map(|cfg| format!("{cfg} was added")));
    out.extend(was.difference(&is).map(|cfg| format!("{cfg} was removed")));
    out
}
