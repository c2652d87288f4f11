//! Reads of the catalogue at several sizes, to the service and through the gateway, beside nginx with the same bytes as a
//! file.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    BenchError,
    catalogue::{self, Catalogue},
    client::Client,
    figures::{Figure, Figures},
    load::{Load, Outcome},
    nginx::Nginx,
    shop::Shop,
};

const CONNECTIONS: u32 = 16;
/// Number of ports from the gateway's to that of product.
const PRODUCT: u16 = 2;
const INDEXED_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// Folder below which filled shops are kept for the next run.
pub(crate) const KEPT: &str = "target/bench";

pub(crate) async fn measure(binary: &Path, products: usize, lasts: Duration) -> Result<Figures, BenchError> {
    let folder = tempfile::tempdir()?;
    let catalogue = catalogue::write(folder.path(), products)?;
    let folder = filled(folder, binary, products, &catalogue).await?;
    let began = Instant::now();
    let shop = Shop::start_in(folder, binary, &[], &[]).await?;
    let queries: Vec<String> = catalogue.queries.iter().map(|query| query.replace(' ', "%20")).collect();
    let mut client = Client::connect(shop.port).await?;
    let indexed = wait_until_indexed(&mut client, queries.first().ok_or("no queries")?, began).await?;
    let named = |name: &str| format!("{}: {name}", grouped(products));
    let mut figures = vec![Figure::measured(named("start until the kept index answers, s"), indexed.as_secs_f64())];

    let loads = Loads::read(&mut client, &catalogue, &queries).await?;
    let nginx = Nginx::with_files(&[
        ("list", body(&mut client, &loads.list).await?),
        ("detail", body(&mut client, &loads.detail).await?),
    ])
    .await?;
    let run = |port: u16, prefix: &str, paths: &[String]| {
        let paths = paths.iter().map(|path| format!("{prefix}{path}")).collect();
        Load { port, paths, token: None, connections: CONNECTIONS, lasts }.run()
    };
    for (name, file, paths) in [("list of 20", "/list", &loads.list), ("detail", "/detail", &loads.detail)] {
        let of_nginx = run(nginx.port, "", &[file.to_owned()]).await?;
        let of_product = run(shop.port + PRODUCT, "", paths).await?;
        let through_gateway = run(shop.port, "/api", paths).await?;
        figures.extend([
            Figure::measured(
                named(&format!("{name}: requests per second through the gateway")),
                through_gateway.per_second,
            ),
            Figure::measured(
                named(&format!("{name}: of nginx's file")),
                through_gateway.per_second / of_nginx.per_second,
            )
            .at_least(0.5),
            Figure::measured(
                named(&format!("{name}: of nginx's file, to the service")),
                of_product.per_second / of_nginx.per_second,
            ),
            Figure::measured(named(&format!("{name}: p99, ms")), through_gateway.p99_ms),
            Figure::measured(named(&format!("{name}: CPU of the load per request, µs")), through_gateway.own_cpu_us),
        ]);
    }
    for (name, paths, goal) in [
        ("lists of categories", &loads.categories, None),
        ("search and facets, no query twice", &loads.searches, Some(20.0)),
        ("suggest, repeated", &loads.suggestions, Some(5.0)),
        ("suggest, nothing typed twice", &loads.typed, None),
    ] {
        let outcome: Outcome = run(shop.port, "/api", paths).await?;
        let p99 = Figure::measured(named(&format!("{name}: p99, ms")), outcome.p99_ms);
        figures.extend([
            Figure::measured(named(&format!("{name}: requests per second")), outcome.per_second),
            goal.map_or(p99.clone(), |goal| p99.at_most(goal)),
        ]);
    }
    figures.push(Figure::measured(named("memory after these loads, MB"), shop.processes.memory_mb()?));
    shop.stop().await?;
    Ok(Figures::new(figures))
}

/// Paths of each load.
struct Loads {
    list: Vec<String>,
    detail: Vec<String>,
    categories: Vec<String>,
    searches: Vec<String>,
    suggestions: Vec<String>,
    typed: Vec<String>,
}

impl Loads {
    async fn read(client: &mut Client, catalogue: &Catalogue, queries: &[String]) -> Result<Self, BenchError> {
        let slugs = |list: &Value| -> Vec<String> {
            let items = list.get("items").and_then(Value::as_array).into_iter().flatten();
            items.filter_map(|item| item.get("slug")?.as_str().map(str::to_owned)).collect()
        };
        let products = slugs(&client.send("GET", "/products?size=100", None, &[]).await?);
        let categories = slugs(&client.send("GET", "/categories", None, &[]).await?);
        let repeated = queries.get(..1_000).unwrap_or(queries);
        Ok(Self {
            list: vec!["/products?size=20".to_owned()],
            detail: products.iter().map(|slug| format!("/products/by-slug/{slug}")).collect(),
            categories: categories.iter().map(|slug| format!("/products?category={slug}&size=20")).collect(),
            // The price makes each query another one, so that no kept answer serves it.
            searches: (0..60)
                .flat_map(|price| repeated.iter().map(move |query| format!("/products?q={query}&minPrice={price}")))
                .collect(),
            suggestions: (0_usize..)
                .zip(repeated)
                .map(|(at, query)| {
                    format!("/products/suggest?q={}", query.get(..3 + at % 5).unwrap_or(query).trim_end_matches('%'))
                })
                .collect(),
            typed: typed(&catalogue.queries),
        })
    }
}

/// Returns all that is in the field while each of `queries` is typed, from its second letter on, once.
fn typed(queries: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let beginnings = queries.iter().flat_map(|query| (2..=query.len()).filter_map(|end| query.get(..end)));
    beginnings
        .filter(|text| !text.ends_with(' ') && seen.insert(*text))
        .map(|text| format!("/products/suggest?q={}", text.replace(' ', "%20")))
        .collect()
}

/// Returns a folder with the data of a shop that has the catalogue and does not run; kept from an earlier run, if there is one.
/// Its files for the import are in `folder`.
async fn filled(folder: TempDir, binary: &Path, products: usize, catalogue: &Catalogue) -> Result<TempDir, BenchError> {
    let kept = Path::new(KEPT).join(products.to_string());
    if !kept.join("complete").exists() {
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir_all(&kept)?;
        std::os::unix::fs::symlink(fs::canonicalize(&kept)?, folder.path().join("data"))?;
        let shop = Shop::start_in(folder, binary, &["--empty"], &[]).await?;
        eprintln!("importing {} products", grouped(products));
        for file in &catalogue.files {
            let imported = Command::new(binary)
                .arg("import")
                .arg(file)
                .arg("--data")
                .arg(&kept)
                .stdout(Stdio::null())
                .status()
                .await?;
            if !imported.success() {
                return Err(format!("souk import {} failed", file.display()).into());
            }
        }
        shop.processes.rest().await?;
        shop.stop().await?;
        fs::write(kept.join("complete"), [])?;
    }
    let folder = tempfile::tempdir()?;
    std::os::unix::fs::symlink(fs::canonicalize(&kept)?, folder.path().join("data"))?;
    Ok(folder)
}

async fn wait_until_indexed(client: &mut Client, query: &str, began: Instant) -> Result<Duration, BenchError> {
    let path = format!("/products/suggest?q={query}");
    while began.elapsed() < INDEXED_WITHIN {
        let found = client.send("GET", &path, None, &[]).await?;
        if found.get("total").and_then(Value::as_u64).is_some_and(|total| total > 0) {
            return Ok(began.elapsed());
        }
        tokio::time::sleep(POLL).await;
    }
    Err("the index did not answer within two minutes".into())
}

/// Returns the body of the first of `paths`, as the gateway sends it.
async fn body(client: &mut Client, paths: &[String]) -> Result<Vec<u8>, BenchError> {
    let path = paths.first().ok_or("the catalogue is empty")?;
    Ok(client.exchange("GET", path, None, &[]).await?.into_body().to_vec())
}

/// Returns a number with its thousands set apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([1, 1_000, 1_234_567].map(grouped), ["1", "1,000", "1,234,567"]);
    }

    #[test]
    fn each_text_is_typed_once() {
        let texts = typed(&["ab c".to_owned(), "abd".to_owned()]);
        let queries: Vec<&str> = texts.iter().filter_map(|path| path.rsplit('=').next()).collect();
        assert_eq!(queries, ["ab", "ab%20c", "abd"]);
    }
}
