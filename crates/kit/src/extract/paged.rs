//! Query parameters that lists and summaries share: `page`, `after` and `size` beside a filter, and `days`.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, Uri, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};
use souk_values::{
    PageRequest,
    page::{MAX_COUNTED, MAX_PAGE_SIZE},
};
use url::form_urlencoded;
use utoipa::{
    IntoParams,
    openapi::{
        RefOr, Schema,
        path::{Parameter, ParameterIn},
    },
};

use crate::Problem;

/// `page`, `after` and `size` of a list, and its filter from the remaining parameters. Errors: 400 `query.invalid`.
#[derive(Debug, Clone, Copy)]
pub struct Paged<F>(pub PageRequest, pub F);

/// The same of a list that has only numbered pages.
#[derive(Debug, Clone, Copy)]
pub struct Numbered<F>(pub PageRequest, pub F);

/// The filter of a list that has none.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
pub struct NoFilter {}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageParams {
    /// Page number, counted from 0, among the first 10,000 rows. Default: 0.
    page: Option<u32>,
    /// Rows on a page, 1 to 100. Default: 20.
    #[param(minimum = 1, maximum = 100)]
    size: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AfterParams {
    /// `next` of a page of the same list with the same filter: returns the page behind it. Unlike page numbers it reaches all rows,
    /// and misses or repeats none that others insert meanwhile.
    #[param(required = false, example = "246290604621824.0")]
    after: Option<String>,
}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Paged<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (request, filter) = read_list(&parts.uri, &["page", "size", "after"])?;
        Ok(Self(request, filter))
    }
}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Numbered<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (request, filter) = read_list(&parts.uri, &["page", "size"])?;
        Ok(Self(request, filter))
    }
}

/// Reads those of the paging parameters that a list has, and its filter from all others.
fn read_list<F: DeserializeOwned>(uri: &Uri, paging: &[&str]) -> Result<(PageRequest, F), Problem> {
    super::parts::check_query(uri)?;
    // Split by name, so that the filter may deny unknown parameters; serde's `flatten` could not.
    let query = uri.query().unwrap_or_default();
    let (paging, filter): (Vec<_>, Vec<_>) =
        form_urlencoded::parse(query.as_bytes()).partition(|(name, _)| paging.contains(&&**name));
    let PageParams { page, size } = read(&paging)?;
    let AfterParams { after } = read(&paging)?;
    let after = after.map(|text| text.parse()).transpose().map_err(|error| invalid(format!("after: {error}.")))?;
    let default = PageRequest::default();
    let request = PageRequest { page: page.unwrap_or(default.page), size: size.unwrap_or(default.size), after };
    if !(1..=MAX_PAGE_SIZE).contains(&request.size) {
        return Err(invalid(format!("size is 1 to {MAX_PAGE_SIZE}.")));
    }
    if after.is_some() && page.is_some() {
        return Err(invalid("A page has either a number or a row that it comes after, not both.".to_owned()));
    }
    if request.offset() + request.limit() > MAX_COUNTED {
        let advice = "Use filters, or follow `next` of each page by `after`.";
        return Err(invalid(format!("Page numbers reach the first {MAX_COUNTED} rows. {advice}")));
    }
    Ok((request, read(&filter)?))
}

impl<F: IntoParams> IntoParams for Paged<F> {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = Numbered::<F>::into_params(&parameter_in);
        params.extend(AfterParams::into_params(parameter_in));
        params
    }
}

impl<F: IntoParams> IntoParams for Numbered<F> {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = F::into_params(&parameter_in);
        params.extend(PageParams::into_params(parameter_in));
        params
    }
}

/// `days`: the number of days that a summary covers, today included; 1 to `MAX`, 7 when absent.
///
/// Errors: 400 `query.invalid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days<const MAX: u32>(pub u32);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DaysParams {
    /// Number of days, today included.
    #[serde(default = "a_week")]
    #[param(default = 7, minimum = 1)]
    days: u32,
}

fn a_week() -> u32 {
    7
}

impl<const MAX: u32, S: Send + Sync> FromRequestParts<S> for Days<MAX> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let super::Query(DaysParams { days }) = super::Query::from_request_parts(parts, state).await?;
        if (1..=MAX).contains(&days) { Ok(Self(days)) } else { Err(invalid(format!("days is 1 to {MAX}."))) }
    }
}

impl<const MAX: u32> IntoParams for Days<MAX> {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = DaysParams::into_params(parameter_in);
        for param in &mut params {
            param.description = Some(format!("Number of days, today included: 1 to {MAX}. Default: 7."));
            if let Some(RefOr::T(Schema::Object(schema))) = &mut param.schema {
                schema.maximum = usize::try_from(MAX).ok().map(utoipa::Number::UInt);
            }
        }
        params
    }
}

fn read<T: DeserializeOwned>(pairs: &[(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)]) -> Result<T, Problem> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let uri: Uri = format!("/?{query}").parse().map_err(|_| invalid("The query cannot be read.".to_owned()))?;
    let parsed = axum::extract::Query::<T>::try_from_uri(&uri);
    parsed.map(|axum::extract::Query(value)| value).map_err(|error| invalid(error.body_text()))
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "query.invalid", detail)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use souk_values::page::Cursor;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Filter {
        order_id: Option<u32>,
        name: Option<String>,
    }

    async fn paged<T: FromRequestParts<(), Rejection = Problem>>(query: &str) -> Result<T, Problem> {
        let request = Request::builder().uri(format!("/things?{query}")).body(()).unwrap();
        T::from_request_parts(&mut request.into_parts().0, &()).await
    }

    #[tokio::test]
    async fn paging_and_filter_are_read_from_one_query() {
        let Paged(page, filter) = paged::<Paged<Filter>>("orderId=7&page=2&name=a%26b+c&size=5").await.unwrap();
        assert_eq!((page.page, page.size, filter.order_id, filter.name.as_deref()), (2, 5, Some(7), Some("a&b c")));
        let Paged(page, _) = paged::<Paged<NoFilter>>("").await.unwrap();
        assert_eq!(page, PageRequest::default());
        let Paged(page, _) = paged::<Paged<NoFilter>>("after=7.9&size=5").await.unwrap();
        assert_eq!((page.after, page.size, page.offset()), (Some(Cursor([7, 9])), 5, 0));
        let Paged(page, _) = paged::<Paged<NoFilter>>("page=99&size=100").await.unwrap();
        assert_eq!(page.offset(), 9_900);
        assert!(paged::<Numbered<Filter>>("after=7.9").await.is_err(), "it has only numbered pages");
    }

    #[tokio::test]
    async fn a_wrong_parameter_is_refused() {
        for query in [
            "size=0",
            "size=101",
            "page=-1",
            "page=one",
            "orderId=x",
            "colour=red",
            "page=1&page=2",
            "page=100&size=100",
            "after=x",
            "after=1.2&page=0",
            "name=a%00b",
            "na%0Ame=a",
        ] {
            let problem = paged::<Paged<Filter>>(query).await.unwrap_err();
            assert_eq!((problem.status, problem.code.as_str()), (400, "query.invalid"), "{query}");
        }
    }

    #[tokio::test]
    async fn days_are_limited_and_a_week_by_default() {
        assert_eq!(paged::<Days<90>>("").await.unwrap(), Days(7));
        assert_eq!(paged::<Days<90>>("days=90").await.unwrap(), Days(90));
        for query in ["days=0", "days=91", "days=x", "weeks=1"] {
            assert_eq!(paged::<Days<90>>(query).await.unwrap_err().code, "query.invalid", "{query}");
        }
    }
}
