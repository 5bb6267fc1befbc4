//! Which attributes a function has, also inside `cfg_attr` and `unsafe(..)`.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token};

/// The paths of all attributes that are there in some configuration.
pub(crate) fn paths(attributes: &[Attribute]) -> impl Iterator<Item = Path> {
    let mut paths = Vec::new();
    attributes.iter().for_each(|attribute| collect(&attribute.meta, &mut paths));
    paths.into_iter()
}

fn collect(meta: &Meta, paths: &mut Vec<Path>) {
    let skip = match meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => 1,
        Meta::List(list) if list.path.is_ident("unsafe") => 0,
        _ => return paths.push(meta.path().clone()),
    };
    let Meta::List(list) = meta else { return };
    let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    // What does not parse is the compiler's to refuse.
    inner.into_iter().flatten().skip(skip).for_each(|meta| collect(&meta, paths));
}

/// Whether a path is `name`, alone or at the end of `liveswap_macros::name`.
pub(crate) fn names(path: &Path, name: &str) -> bool {
    let mut segments = path.segments.iter().rev();
    let last = segments.next().is_some_and(|segment| segment.ident == name);
    last && segments.next().is_none_or(|segment| segment.ident == "liveswap_macros")
}

/// Whether the compiler gives a path its meaning, or a tool that leaves the code as it is: anything else may be a macro that rewrites
/// the function. The list is the one of the reference, as far as functions may have them.
pub(crate) fn is_inert(path: &Path) -> bool {
    const TOOLS: [&str; 5] = ["clippy", "diagnostic", "miri", "rust_analyzer", "rustfmt"];
    const KNOWN: [&str; 28] = [
        "allow",
        "automatically_derived",
        "bench",
        "cfg",
        "cfg_attr",
        "cold",
        "coverage",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "export_name",
        "forbid",
        "hot",
        "ignore",
        "inline",
        "instruction_set",
        "link_section",
        "must_use",
        "naked",
        "no_mangle",
        "optimize",
        "sanitize",
        "should_panic",
        "target_feature",
        "test",
        "track_caller",
        "warn",
    ];
    match path.segments.first() {
        Some(tool) if path.segments.len() > 1 => TOOLS.iter().any(|name| tool.ident == name),
        _ => KNOWN.iter().any(|name| path.is_ident(name)),
    }
}
