//! Search of products, with facets.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QuerySelect,
    Select,
    sea_query::{CaseStatement, Expr, LikeExpr},
};
use souk_values::{CategoryId, Id, Money, PageRequest};

use super::{
    ProductStore, StoreError, categories,
    entities::product::{Column, Entity},
    rows::{self, ProductRow},
};
use crate::{
    category::{Category, CategoryTree},
    product::CatalogueProduct,
};

/// Escape character of LIKE patterns. Not a backslash, which MySQL also treats as an escape in the literal.
const ESCAPE: char = '!';

/// Conditions that all have to hold; `None` and empty ones are no condition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Folded words, all of which the product's text contains.
    pub words: Vec<String>,
    /// Slug or id of a category; its descendants are included.
    pub category: Option<String>,
    /// Inclusive, in minor units, as is `max_price`.
    pub min_price: Option<i64>,
    pub max_price: Option<i64>,
    /// True for products with stock, false for products without.
    pub in_stock: Option<bool>,
    /// Exclusive upper bound of the stock.
    pub stock_below: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Names that begin with the words, names that contain them, the rest; within each, the most sold first.
    Relevance,
    Price,
    PriceDown,
    Name,
    Newest,
}

#[derive(Debug)]
pub(crate) struct SearchResult {
    /// Products of the requested page.
    pub products: Vec<CatalogueProduct>,
    /// Number of all matching products.
    pub total: u64,
    pub facets: Facets,
}

/// Counts over all matching products. Each facet ignores the filter of its own kind, so that it shows what another
/// choice would find.
#[derive(Debug)]
pub(crate) struct Facets {
    /// Categories with matching products in or below them.
    pub categories: Vec<CategoryCount>,
    /// Lowest and highest price; `None` when no product matches.
    pub prices: Option<(Money, Money)>,
    /// Number of products with stock.
    pub in_stock: u64,
}

#[derive(Debug)]
pub(crate) struct CategoryCount {
    pub category: Category,
    /// Number of matching products in or below the category.
    pub count: u64,
}

#[derive(Debug, FromQueryResult)]
struct Totals {
    matching: i64,
    in_stock: i64,
    lowest: Option<i64>,
    highest: Option<i64>,
}

impl ProductStore {
    /// Returns a page of the products that match `filter`, and the facets of all that do.
    pub(crate) async fn search(
        &self,
        filter: &Filter,
        sort: Sort,
        page: PageRequest,
    ) -> Result<SearchResult, StoreError> {
        let tree = categories::tree(self.db.reader()).await?;
        let products = self.matching_products(filter, &tree, sort, page);
        let (products, totals, categories) =
            tokio::try_join!(products, self.totals(filter, &tree), self.category_counts(filter, &tree))?;
        let prices = if filter.min_price.is_some() || filter.max_price.is_some() {
            self.totals(&Filter { min_price: None, max_price: None, ..filter.clone() }, &tree).await?.prices()
        } else {
            totals.prices()
        };
        let in_stock = if filter.in_stock.is_some() {
            self.totals(&Filter { in_stock: None, ..filter.clone() }, &tree).await?.in_stock
        } else {
            totals.in_stock
        };
        let money = |minor| Money::new(minor, self.currency);
        Ok(SearchResult {
            products,
            total: count(totals.matching),
            facets: Facets {
                categories,
                prices: prices.map(|(lowest, highest)| (money(lowest), money(highest))),
                in_stock: count(in_stock),
            },
        })
    }

    async fn matching_products(
        &self,
        filter: &Filter,
        tree: &CategoryTree,
        sort: Sort,
        page: PageRequest,
    ) -> Result<Vec<CatalogueProduct>, StoreError> {
        let query = sorted(rows::select_products().filter(matching(filter, tree)), sort, &filter.words);
        let rows =
            query.offset(page.offset()).limit(page.limit()).into_model::<ProductRow>().all(self.db.reader()).await?;
        rows.into_iter().map(|row| rows::read_product(row, self.currency)).collect()
    }

    async fn totals(&self, filter: &Filter, tree: &CategoryTree) -> Result<Totals, StoreError> {
        let only_in_stock: Expr = CaseStatement::new().case(Expr::col(Column::Stock).gt(0), 1).into();
        let totals = Entity::find()
            .select_only()
            .column_as(Column::ProductId.count(), "matching")
            .column_as(only_in_stock.count(), "in_stock")
            .column_as(Column::PriceMinor.min(), "lowest")
            .column_as(Column::PriceMinor.max(), "highest")
            .filter(matching(filter, tree))
            .into_model::<Totals>()
            .one(self.db.reader())
            .await?;
        Ok(totals.unwrap_or(Totals { matching: 0, in_stock: 0, lowest: None, highest: None }))
    }

    async fn category_counts(&self, filter: &Filter, tree: &CategoryTree) -> Result<Vec<CategoryCount>, StoreError> {
        let filter = Filter { category: None, ..filter.clone() };
        let rows: Vec<(i64, i64)> = Entity::find()
            .select_only()
            .column(Column::CategoryId)
            .column_as(Column::ProductId.count(), "matching")
            .filter(matching(&filter, tree))
            .group_by(Column::CategoryId)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let mut own = BTreeMap::new();
        for (category, matching) in rows {
            own.insert(rows::id::<CategoryId>(category)?, count(matching));
        }
        let sums = tree.summed(&own);
        let counted = tree.nodes().iter().filter_map(|category| {
            let count = sums.get(&category.category_id).copied()?;
            Some(CategoryCount { category: category.clone(), count })
        });
        Ok(counted.collect())
    }
}

impl Totals {
    fn prices(&self) -> Option<(i64, i64)> {
        self.lowest.zip(self.highest)
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn matching(filter: &Filter, tree: &CategoryTree) -> Condition {
    let mut all = Condition::all().add(Column::Hidden.eq(false));
    for word in &filter.words {
        all = all.add(Expr::col(Column::SearchText).like(containing(word)));
    }
    if let Some(named) = &filter.category {
        let inside = tree.named(named).map(|category| tree.with_descendants(category.category_id)).unwrap_or_default();
        all = all.add(Column::CategoryId.is_in(inside.into_iter().map(Id::get)));
    }
    all.add_option(filter.min_price.map(|min| Column::PriceMinor.gte(min)))
        .add_option(filter.max_price.map(|max| Column::PriceMinor.lte(max)))
        .add_option(filter.in_stock.map(|yes| if yes { Column::Stock.gt(0) } else { Column::Stock.lte(0) }))
        .add_option(filter.stock_below.map(|below| Column::Stock.lt(below)))
}

/// Every sort order ends with the id, so that pages neither repeat nor miss a product.
fn sorted(query: Select<Entity>, sort: Sort, words: &[String]) -> Select<Entity> {
    let (query, direction) = match sort {
        Sort::Relevance if words.is_empty() => (query.order_by(Column::Sold, Order::Desc), Order::Desc),
        Sort::Relevance => (query.order_by(rank(words), Order::Asc).order_by(Column::Sold, Order::Desc), Order::Desc),
        Sort::Price => (query.order_by(Column::PriceMinor, Order::Asc), Order::Asc),
        Sort::PriceDown => (query.order_by(Column::PriceMinor, Order::Desc), Order::Desc),
        Sort::Name => (query.order_by(Column::NameKey, Order::Asc), Order::Asc),
        Sort::Newest => (query.order_by(Column::CreatedAt, Order::Desc), Order::Desc),
    };
    query.order_by(Column::ProductId, direction)
}

/// Ranks a match: 0 when the name begins with the words, 1 when it contains them, 2 when only the rest of the text does.
fn rank(words: &[String]) -> Expr {
    let beginning = LikeExpr::new(format!("{}%", escaped(&words.join(" ")))).escape(ESCAPE);
    let in_name =
        words.iter().fold(Condition::all(), |all, word| all.add(Expr::col(Column::NameKey).like(containing(word))));
    CaseStatement::new().case(Expr::col(Column::NameKey).like(beginning), 0).case(in_name, 1).finally(2).into()
}

fn containing(word: &str) -> LikeExpr {
    LikeExpr::new(format!("%{}%", escaped(word))).escape(ESCAPE)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | ESCAPE) {
            out.push(ESCAPE);
        }
        out.push(letter);
    }
    out
}
