//! `#[derive(Layout)]`: a type's declaration, said at run time.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Error, Field, Fields, GenericParam, Ident, Member,
    Meta, Result, Token, Type, TypeParamBound, WherePredicate, parse_quote,
};

use crate::{lints, types};

/// The implementation of the trait.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let DeriveInput { ident, generics, data, attrs, .. } = input;
    let reprs = reprs(attrs)?;
    let described = match data {
        Data::Struct(data) => fields(&data.fields, &Place::Struct { tail: has_unsized(input) }),
        Data::Enum(data) => variants(data, &reprs),
        Data::Union(data) => {
            return Err(Error::new_spanned(
                data.union_token,
                "a union cannot be described: nothing in it says which of its fields is in use; make it an enum, or leave the \
                 derive out, and the union counts by its name, size and alignment",
            ));
        }
    };
    let repr = (!reprs.is_empty()).then(|| {
        let text = reprs.join(", ");
        quote!(__describer.repr(#text);)
    });
    let mut bounded = generics.clone();
    for parameter in &mut bounded.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.bounds.push(parse_quote!(::liveswap_abi::layout::Layout));
        }
    }
    let (parameters, _, clause) = bounded.split_for_impl();
    let (_, arguments, _) = generics.split_for_impl();
    let (lints, scope) = (lints::types_again(), types::scope());
    Ok(quote! {
        #[automatically_derived]
        #lints
        unsafe impl #parameters ::liveswap_abi::layout::Layout for #ident #arguments #clause {
            const EXTENT: ::core::option::Option<(::core::primitive::usize, ::core::primitive::usize)> = {
                #scope
                ::liveswap_abi::layout::probe::Extent::<Self>::OF
            };
            const POINTS: ::core::primitive::bool = false;

            fn describe(__describer: &mut ::liveswap_abi::layout::Describer<'_>) {
                #scope
                #repr
                #described
            }
        }
    })
}

/// Where fields stand.
enum Place {
    /// In a struct, whose last field may have no size and then no offset to ask for.
    Struct { tail: bool },
    /// In a variant, whose offsets cannot be asked for: they follow from its declaration.
    Variant,
}

fn fields(fields: &Fields, place: &Place) -> TokenStream {
    let last = fields.len().saturating_sub(1);
    fields
        .members()
        .zip(fields)
        .enumerate()
        .map(|(index, (member, field))| {
            let has_offset = match place {
                Place::Struct { tail } => !(index == last && (*tail || is_unsized(&field.ty))),
                Place::Variant => false,
            };
            self::field(&member, field, has_offset)
        })
        .collect()
}

fn field(member: &Member, field: &Field, has_offset: bool) -> TokenStream {
    let name = match member {
        Member::Named(name) => name.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    };
    let offset = if has_offset {
        quote!(::core::option::Option::Some(::core::mem::offset_of!(Self, #member)))
    } else {
        quote!(::core::option::Option::None)
    };
    let node = types::node(&field.ty);
    quote! {
        let __node = #node;
        __describer.field(#name, #offset, __node);
    }
}

/// Variants with their discriminants, which are computed as the compiler does: one more than the last, unless written.
fn variants(data: &DataEnum, reprs: &[String]) -> TokenStream {
    let is_integer = |name: &&String| name.starts_with(['u', 'i']) && *name != "C";
    let integer = reprs.iter().find(is_integer).map_or("isize", String::as_str);
    let integer = format_ident!("{integer}");
    let integer = quote!(::core::primitive::#integer);
    let mut before: Option<Ident> = None;
    let variants = data.variants.iter().enumerate().map(|(index, variant)| {
        let here = format_ident!("__discriminant_{index}");
        let value = match (&variant.discriminant, &before) {
            (Some((_, written)), _) => written.to_token_stream(),
            (None, Some(before)) => quote!(#before.wrapping_add(1)),
            (None, None) => quote!(0),
        };
        before = Some(here.clone());
        let name = variant.ident.unraw().to_string();
        let fields = fields(&variant.fields, &Place::Variant);
        quote! {
            let #here: #integer = #value;
            __describer.variant(#name, #here as ::core::primitive::i128);
            #fields
        }
    });
    variants.collect()
}

/// The arguments of all `repr` attributes, each as text.
fn reprs(attributes: &[Attribute]) -> Result<Vec<String>> {
    let mut reprs = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        let arguments =
            attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
        reprs.extend(
            arguments
                .iter()
                .map(|argument| argument.to_token_stream().to_string().replace(' ', "")),
        );
    }
    Ok(reprs)
}

/// Whether a parameter may stand for a type without a size, as only the last field's type can.
fn has_unsized(input: &DeriveInput) -> bool {
    let is_relaxed = |bound: &TypeParamBound| bound.to_token_stream().to_string().starts_with('?');
    let inline = input.generics.type_params().flat_map(|parameter| &parameter.bounds);
    let clauses = input.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let clauses = clauses.filter_map(|predicate| match predicate {
        WherePredicate::Type(predicate) => Some(&predicate.bounds),
        _ => None,
    });
    inline.chain(clauses.flatten()).any(is_relaxed)
}

fn is_unsized(ty: &Type) -> bool {
    match ty {
        Type::Slice(_) | Type::TraitObject(_) => true,
        Type::Path(path) => path.path.is_ident("str"),
        Type::Paren(inner) => is_unsized(&inner.elem),
        Type::Group(inner) => is_unsized(&inner.elem),
        _ => false,
    }
}
