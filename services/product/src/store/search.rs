//! Finding products: what is asked, and what a list of them says.

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
    category::{Category, Tree},
    product::Product,
};

/// Escapes what LIKE would take for a wildcard; no engine gives it a meaning of its own.
const ESCAPE: char = '!';

/// What a caller looks for; what is `None` or empty does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Folded words that must all be in the product's text.
    pub words: Vec<String>,
    /// Slug or id of a category; what lies below it belongs to it.
    pub category: Option<String>,
    /// Minor units.
    pub min_price: Option<i64>,
    /// Minor units.
    pub max_price: Option<i64>,
    /// Only what can be bought, or only what cannot.
    pub in_stock: Option<bool>,
    /// Only what has fewer units than this.
    pub stock_below: Option<i64>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// With words: names that begin with them, names that hold them, the rest; then what sells most.
    Relevance,
    /// The cheapest first.
    Price,
    /// The dearest first.
    PriceDown,
    /// By name.
    Name,
    /// The newest first.
    Newest,
}

/// A page of products and what is known of all that match.
#[derive(Debug)]
pub struct Found {
    /// Of this page.
    pub products: Vec<Product>,
    /// How many match.
    pub total: u64,
    /// What could be chosen next.
    pub facets: Facets,
}

/// What the matching products have in common. Each facet leaves its own filter out, so that it shows
/// what choosing otherwise would find.
#[derive(Debug)]
pub struct Facets {
    /// Categories with products in or below them.
    pub categories: Vec<CategoryCount>,
    /// The lowest and the highest price.
    pub prices: Option<(Money, Money)>,
    /// How many can be bought.
    pub in_stock: u64,
}

/// A category and how many match in or below it.
#[derive(Debug)]
pub struct CategoryCount {
    /// Which.
    pub category: Category,
    /// How many.
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
    /// The products that match `filter`.
    pub(crate) async fn search(&self, filter: &Filter, sort: Sort, page: PageRequest) -> Result<Found, StoreError> {
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
        Ok(Found {
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
        tree: &Tree,
        sort: Sort,
        page: PageRequest,
    ) -> Result<Vec<Product>, StoreError> {
        let query = sorted(rows::select_products().filter(matching(filter, tree)), sort, &filter.words);
        let rows =
            query.offset(page.offset()).limit(page.limit()).into_model::<ProductRow>().all(self.db.reader()).await?;
        rows.into_iter().map(|row| rows::read_product(row, self.currency)).collect()
    }

    async fn totals(&self, filter: &Filter, tree: &Tree) -> Result<Totals, StoreError> {
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

    async fn category_counts(&self, filter: &Filter, tree: &Tree) -> Result<Vec<CategoryCount>, StoreError> {
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
        let mut alone = BTreeMap::new();
        for (category, matching) in rows {
            alone.insert(rows::id::<CategoryId>(category)?, count(matching));
        }
        let sums = tree.summed(&alone);
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

fn matching(filter: &Filter, tree: &Tree) -> Condition {
    let mut all = Condition::all().add(Column::Hidden.eq(false));
    for word in &filter.words {
        all = all.add(Expr::col(Column::SearchText).like(containing(word)));
    }
    if let Some(named) = &filter.category {
        let inside = tree.named(named).map(|category| tree.with_descendants(category.category_id)).unwrap_or_default();
        all = all.add(Column::CategoryId.is_in(inside.into_iter().map(Id::get)));
    }
    all.add_option(filter.min_price.map(|least| Column::PriceMinor.gte(least)))
        .add_option(filter.max_price.map(|most| Column::PriceMinor.lte(most)))
        .add_option(filter.in_stock.map(|yes| if yes { Column::Stock.gt(0) } else { Column::Stock.lte(0) }))
        .add_option(filter.stock_below.map(|below| Column::Stock.lt(below)))
}

/// Every order ends with the id, so that pages neither repeat nor miss a product.
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

/// 0: the name begins with the words; 1: it holds them; 2: only the rest of the text does.
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
