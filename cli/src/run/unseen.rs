//! Edits that the running program does not see, named after the swap that brought the rest.

use std::collections::BTreeMap;
use std::fs;

use liveswap::wire::FromCli;
use liveswap_builder::{Effects, Input, InputRole, Texts, WithoutEffect};

use super::Run;
use crate::lines;
use crate::project::HotCrate;

/// What the program was compiled of, hot crate by hot crate, with underscores.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    programs: BTreeMap<String, Effects>,
}

impl Unseen {
    /// Begins anew with a program that was just built.
    fn built<'a>(&mut self, binary: &str, of: impl Iterator<Item = (&'a HotCrate, Vec<Input>)>) {
        let one = |(hot, inputs): (&HotCrate, Vec<Input>)| {
            let host = texts(&inputs, |role| is_of_user(role, hot, binary));
            (hot.name.clone(), Effects::new(&host, &hot_texts(&inputs)))
        };
        self.programs = of.map(one).collect();
    }

    fn edited(&mut self, hot_crate: &str, texts: &Texts) -> Vec<WithoutEffect> {
        self.programs.get_mut(hot_crate).map(|it| it.edited(texts)).unwrap_or_default()
    }
}

impl Run {
    /// Remembers what the program that is about to start was compiled of.
    pub(super) fn remember_sources(&mut self) {
        let (project, builders) = (&self.project, &self.builders);
        let inputs = project
            .hot
            .iter()
            .enumerate()
            .filter_map(|(index, hot)| Some((hot, builders.get(index)?.inputs())));
        self.unseen.built(&project.host.binary, inputs);
    }

    /// The sources that an artifact of `hot_crate` was made of.
    pub(super) fn sources_of(&self, hot_crate: &str) -> Texts {
        let index = self.project.hot.iter().position(|hot| hot.name == hot_crate);
        let builder = index.and_then(|index| self.builders.get(index));
        builder.map(|builder| hot_texts(&builder.inputs())).unwrap_or_default()
    }

    /// Names what these sources have changed that the program does not see: to the person and to the program.
    pub(super) fn tell_unseen(&mut self, hot_crate: &str, sources: &Texts) {
        for edit in self.unseen.edited(hot_crate, sources) {
            let shown = lines::shown_below(&edit.to_string(), &self.project.workspace);
            self.say(&lines::notable("no effect", &shown));
            let why = lines::shown_below(&edit.why(), &self.project.workspace);
            let remedy = edit.remedy();
            self.tell_programs(&FromCli::WithoutEffect { item: edit.item, why, remedy });
        }
    }
}

/// Whether a source of the program can name what is in the hot crate: not that of a package which only has something of the
/// same name. The sources of the program itself go by the name of its binary.
fn is_of_user(role: &InputRole, hot: &HotCrate, binary: &str) -> bool {
    matches!(role, InputRole::HostSource { package } if package == binary || hot.users.contains(package))
}

fn hot_texts(inputs: &[Input]) -> Texts {
    texts(inputs, |role| *role == InputRole::HotSource)
}

/// Sources that cannot be read have nothing to say; the build has said why.
fn texts(inputs: &[Input], is_wanted: impl Fn(&InputRole) -> bool) -> Texts {
    let wanted = inputs.iter().filter(|input| is_wanted(&input.role));
    wanted
        .filter(|input| input.path.extension().is_some_and(|it| it == "rs"))
        .filter_map(|input| Some((input.path.clone(), fs::read_to_string(&input.path).ok()?)))
        .collect()
}
