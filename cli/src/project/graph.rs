//! Who is made of whom, and who of them is hot.

use std::collections::{HashMap, HashSet};

use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};

/// The crate whose dependents are hot.
const MARK: &str = "liveswap-abi";

/// Crates that depend on it without being hot.
const OURS: [&str; 6] = [
    "liveswap",
    "liveswap-macros",
    "liveswap-builder",
    "liveswap-testkit",
    "liveswap-abi",
    "cargo-liveswap",
];

/// Who depends on whom, for building a program: neither build scripts nor tests.
pub(super) struct Graph<'a> {
    packages: HashMap<&'a PackageId, &'a Package>,
    edges: HashMap<&'a PackageId, Vec<&'a PackageId>>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(metadata: &'a Metadata) -> Graph<'a> {
        let packages = metadata.packages.iter().map(|package| (&package.id, package)).collect();
        let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
        let edges = nodes.map(|node| {
            let normal = node.deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|info| info.kind == DependencyKind::Normal)
            });
            (&node.id, normal.map(|dependency| &dependency.pkg).collect())
        });
        Graph { packages, edges: edges.collect() }
    }

    pub(super) fn package(&self, id: &PackageId) -> Option<&'a Package> {
        self.packages.get(id).copied()
    }

    fn dependencies(&self, id: &PackageId) -> &[&'a PackageId] {
        self.edges.get(id).map_or(&[], Vec::as_slice)
    }

    /// `from` and everything it is made of.
    pub(super) fn reachable(&self, from: &PackageId) -> Vec<PackageId> {
        self.reachable_without(from, &[])
    }

    /// `from` and everything it is made of, as far as it is not only there for one of `barrier`.
    pub(super) fn reachable_without(
        &self,
        from: &PackageId,
        barrier: &[&PackageId],
    ) -> Vec<PackageId> {
        let mut seen: HashSet<&PackageId> = barrier.iter().copied().collect();
        let mut waiting = vec![from];
        let mut found = Vec::new();
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                found.push(id.clone());
                waiting.extend(self.dependencies(id));
            }
        }
        found
    }

    /// Whether a package asks to be hot.
    pub(super) fn is_hot(&self, id: &PackageId) -> bool {
        let name = |id: &PackageId| self.package(id).map(|package| package.name.as_str());
        !name(id).is_some_and(|name| OURS.contains(&name))
            && self.dependencies(id).iter().any(|dependency| name(dependency) == Some(MARK))
    }

    pub(super) fn has_hot(&self, id: &PackageId) -> bool {
        self.reachable(id).iter().any(|other| other != id && self.is_hot(other))
    }
}
