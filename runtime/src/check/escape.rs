//! By which signature addresses inside an artifact can get out of it.
//!
//! That none can is argued in `liveswap_abi::layout`, at [`Escape`], case by case.

use liveswap_abi::layout::{Catalog, Signature, Through};

use super::{Functions, words};

impl Functions {
    /// The first function or value by which an address inside the image may have got out, in words; `None` where there is
    /// none.
    ///
    /// Private ones count: code of other generations calls them.
    pub(super) fn escape(&self) -> Option<String> {
        let told = |(path, function): (&&str, &super::Function)| {
            in_words(path, &function.signature, &self.catalog)
        };
        self.by_path.iter().find_map(told)
    }
}

fn in_words(path: &str, signature: &Signature, catalog: &Catalog) -> Option<String> {
    let escape = catalog.escape(signature)?;
    let (verb, outer) = match escape.through {
        Through::Result if signature.is_value => ("is a".to_owned(), signature.result?),
        Through::Result => ("returns".to_owned(), signature.result?),
        Through::Argument(index) => {
            let argument = signature.arguments.get(index)?;
            let name = match &argument.names[..] {
                [(place, name)] if place.is_empty() => format!(" ({name})"),
                _ => String::new(),
            };
            (format!("takes as argument {index}{name}"), argument.of)
        }
    };
    let name = |node| words::short(&catalog.ty(node).name);
    let mut text = format!("`{path}` {verb} `{}`", name(outer));
    if outer != escape.of {
        let step = match escape.path.as_str() {
            "" => String::new(),
            step => format!(" by `{step}`"),
        };
        text += &format!(", which leads to `{}`{step}", name(escape.of));
    }
    if !catalog.ty(escape.of).is_described {
        text += ", which does not describe itself";
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use liveswap_abi::layout::{Catalog, Describe};

    use super::in_words;

    fn told(describe: Describe) -> Option<String> {
        let (signatures, catalog) = Catalog::of_signatures(std::iter::once(describe));
        in_words("shop::greet", &signatures[0], &catalog)
    }

    #[test]
    fn the_way_out_is_told_in_words() {
        let result = told(|describer| {
            let node = describer.node::<&str>();
            describer.result(node);
        });
        assert_eq!(result.as_deref(), Some("`shop::greet` returns `&str`"));
        let value = told(|describer| {
            let node = describer.node::<(u8, Vec<&str>)>();
            describer.value(node);
        });
        let text = "`shop::greet` is a `(u8, Vec<&str>)`, which leads to `&str` by `.1[]`";
        assert_eq!(value.as_deref(), Some(text));
        let argument = told(|describer| {
            let node = describer.node::<u8>();
            describer.argument(&[("", "till")], node, false);
            let node = describer.opaque::<std::fmt::Arguments<'_>>(None, &[]);
            describer.argument(&[("", "what")], node, false);
        });
        let text = "`shop::greet` takes as argument 1 (what) `Arguments<'_>`, which does not describe \
                    itself";
        assert_eq!(argument.as_deref(), Some(text));
        let nothing = told(|describer| {
            let node = describer.node::<&str>();
            describer.argument(&[("", "text")], node, true);
            let node = describer.node::<String>();
            describer.result(node);
        });
        assert_eq!(nothing, None);
    }
}
