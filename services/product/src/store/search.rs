//! Search of products, with facets.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QuerySelect,
    Select,
    sea_query::{CaseStatement, Expr},
};
use souk_sql::{beginning_with, containing};
use souk_values::{CategoryId, Id, Money, PageRequest};

use super::{
    CategoryCount, Entries, Facets, Filter, ListEntry, MAX_BRANDS, ProductStore, SearchResult, Sort, StoreError,
    categories,
    entities::product::{Column, Entity},
    rows::{self, ProductRow},
};
use crate::{category::CategoryTree, product::CatalogueProduct, variant::ProductOption};

#[derive(Debug, FromQueryResult)]
struct Totals {
    matching: i64,
    in_stock: i64,
    lowest: Option<i64>,
    highest: Option<i64>,
}

impl ProductStore {
    /// Returns a page of the entries that match `filter`, and the facets of all that do.
    pub(crate) async fn search(
        &self,
        filter: &Filter,
        entries: Entries,
        sort: Sort,
        page: PageRequest,
    ) -> Result<SearchResult, StoreError> {
        let tree = categories::tree(self.db.reader()).await?;
        let search = Search { filter, tree: &tree, entries };
        let (page, totals, categories, brands) = tokio::try_join!(
            self.page(&search, sort, page),
            self.totals(&search),
            self.category_counts(&search),
            self.brand_counts(&search)
        )?;
        let prices = if filter.min_price.is_some() || filter.max_price.is_some() {
            let filter = Filter { min_price: None, max_price: None, ..filter.clone() };
            self.totals(&Search { filter: &filter, ..search }).await?.prices()
        } else {
            totals.prices()
        };
        let in_stock = if filter.in_stock.is_some() {
            let filter = Filter { in_stock: None, ..filter.clone() };
            self.totals(&Search { filter: &filter, ..search }).await?.in_stock
        } else {
            totals.in_stock
        };
        let money = |minor| Money::new(minor, self.currency);
        Ok(SearchResult {
            entries: page,
            total: count(totals.matching),
            facets: Facets {
                categories,
                prices: prices.map(|(lowest, highest)| (money(lowest), money(highest))),
                in_stock: count(in_stock),
                brands,
                options: Vec::new(),
            },
            corrected: None,
        })
    }

    async fn page(&self, search: &Search<'_>, sort: Sort, page: PageRequest) -> Result<Vec<ListEntry>, StoreError> {
        match search.entries {
            Entries::Products => {
                let query = sorted(rows::select_products().filter(search.matching()), sort, &search.filter.words());
                let found = query
                    .offset(page.offset())
                    .limit(page.limit())
                    .into_model::<ProductRow>()
                    .all(self.db.reader())
                    .await?;
                found
                    .into_iter()
                    .map(|row| Ok(ListEntry { product: rows::read_product(row, self.currency)?, group: None }))
                    .collect()
            }
            Entries::Groups => {
                let query = Entity::find().select_only().column(Column::GroupId).filter(search.matching());
                let groups: Vec<i64> = sorted_groups(query.group_by(Column::GroupId), sort, &search.filter.words())
                    .offset(page.offset())
                    .limit(page.limit())
                    .into_tuple()
                    .all(self.db.reader())
                    .await?;
                self.group_entries(search, &groups).await
            }
        }
    }

    /// Returns the entries of `groups` in their order.
    async fn group_entries(&self, search: &Search<'_>, groups: &[i64]) -> Result<Vec<ListEntry>, StoreError> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let found = rows::select_products()
            .filter(search.matching_details())
            .filter(rows::is_visible(!search.filter.hidden))
            .filter(Column::GroupId.is_in(groups.iter().copied()))
            .order_by_asc(Column::GroupPosition)
            .order_by_asc(Column::ProductId)
            .into_model::<ProductRow>()
            .all(self.db.reader())
            .await?;
        let mut shown: BTreeMap<i64, CatalogueProduct> = BTreeMap::new();
        for row in found {
            let product = rows::read_product(row, self.currency)?;
            let shown = shown.entry(product.group_id().get()).or_insert_with(|| product.clone());
            if shown.stock == 0 && product.stock > 0 {
                *shown = product;
            }
        }
        let products = groups.iter().filter_map(|group| shown.remove(group)).collect();
        self.with_group_facts(products, search.filter.hidden).await
    }

    /// Makes `products` the entries of a list of groups.
    pub(crate) async fn with_group_facts(
        &self,
        products: Vec<CatalogueProduct>,
        hidden: bool,
    ) -> Result<Vec<ListEntry>, StoreError> {
        let facts = self.group_facts(products.iter().map(CatalogueProduct::group_id), hidden).await?;
        let entries =
            products.into_iter().map(|product| ListEntry { group: facts.get(&product.group_id()).copied(), product });
        Ok(entries.collect())
    }

    async fn totals(&self, search: &Search<'_>) -> Result<Totals, StoreError> {
        let counted = search.entries.id();
        let only_in_stock: Expr = CaseStatement::new().case(Expr::col(Column::Stock).gt(0), Expr::col(counted)).into();
        let totals = Entity::find()
            .select_only()
            .column_as(Expr::col(counted).count_distinct(), "matching")
            .column_as(only_in_stock.count_distinct(), "in_stock")
            .column_as(Column::PriceMinor.min(), "lowest")
            .column_as(Column::PriceMinor.max(), "highest")
            .filter(search.matching())
            .into_model::<Totals>()
            .one(self.db.reader())
            .await?;
        Ok(totals.unwrap_or(Totals { matching: 0, in_stock: 0, lowest: None, highest: None }))
    }

    async fn category_counts(&self, search: &Search<'_>) -> Result<Vec<CategoryCount>, StoreError> {
        let filter = Filter { category: None, ..search.filter.clone() };
        let rows: Vec<(i64, i64)> = Entity::find()
            .select_only()
            .column(Column::CategoryId)
            .column_as(Expr::col(search.entries.id()).count_distinct(), "matching")
            .filter(Search { filter: &filter, ..*search }.matching())
            .group_by(Column::CategoryId)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let mut own = BTreeMap::new();
        for (category, matching) in rows {
            own.insert(rows::id::<CategoryId>(category)?, count(matching));
        }
        let sums = search.tree.summed(&own);
        let counted = search.tree.nodes().iter().filter_map(|category| {
            let count = sums.get(&category.category_id).copied()?;
            Some(CategoryCount { category: category.clone(), count })
        });
        Ok(counted.collect())
    }

    async fn brand_counts(&self, search: &Search<'_>) -> Result<Vec<(String, u64)>, StoreError> {
        let filter = Filter { brands: Vec::new(), ..search.filter.clone() };
        let matching = || Expr::col(search.entries.id()).count_distinct();
        let rows: Vec<(String, i64)> = Entity::find()
            .select_only()
            .column(Column::Brand)
            .column_as(matching(), "matching")
            .filter(Search { filter: &filter, ..*search }.matching())
            .filter(Column::Brand.is_not_null())
            .group_by(Column::Brand)
            .order_by_desc(matching())
            .order_by_asc(Column::Brand)
            .limit(count_of(MAX_BRANDS))
            .into_tuple()
            .all(self.db.reader())
            .await?;
        Ok(rows.into_iter().map(|(brand, matching)| (brand, count(matching))).collect())
    }
}

/// What is looked for, and what counts as one hit.
#[derive(Clone, Copy)]
struct Search<'s> {
    filter: &'s Filter,
    tree: &'s CategoryTree,
    entries: Entries,
}

impl Entries {
    /// Returns the column whose distinct values are counted.
    fn id(self) -> Column {
        match self {
            Self::Products => Column::ProductId,
            Self::Groups => Column::GroupId,
        }
    }
}

impl Totals {
    fn prices(&self) -> Option<(i64, i64)> {
        self.lowest.zip(self.highest)
    }
}

fn count_of(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl Search<'_> {
    fn matching(&self) -> Condition {
        self.matching_details().add(Column::Hidden.eq(self.filter.hidden))
    }

    /// Returns the conditions without that of being visible.
    fn matching_details(&self) -> Condition {
        let Self { filter, tree, .. } = *self;
        let mut all = Condition::all();
        for word in filter.words() {
            all = all.add(Expr::col(Column::SearchText).like(containing(&word)));
        }
        for (name, values) in &filter.options {
            let any = values.iter().fold(Condition::any(), |any, value| any.add(having(name, value)));
            all = all.add(any);
        }
        if !filter.brands.is_empty() {
            all = all.add(Column::Brand.is_in(&filter.brands));
        }
        if let Some(named) = &filter.category {
            let inside =
                tree.named(named).map(|category| tree.with_descendants(category.category_id)).unwrap_or_default();
            all = all.add(Column::CategoryId.is_in(inside.into_iter().map(Id::get)));
        }
        all.add_option(filter.min_price.map(|min| Column::PriceMinor.gte(min)))
            .add_option(filter.max_price.map(|max| Column::PriceMinor.lte(max)))
            .add_option(filter.in_stock.map(|yes| if yes { Column::Stock.gt(0) } else { Column::Stock.lte(0) }))
            .add_option(filter.stock_below.map(|below| Column::Stock.lt(below)))
    }
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
        Sort::Stock => (query.order_by(Column::Stock, Order::Asc), Order::Asc),
        Sort::StockDown => (query.order_by(Column::Stock, Order::Desc), Order::Desc),
    };
    query.order_by(Column::ProductId, direction)
}

/// Sorts groups by what their matching variants have in common: the lowest price, the sum of what was sold.
fn sorted_groups(query: Select<Entity>, sort: Sort, words: &[String]) -> Select<Entity> {
    let sold = Expr::col(Column::Sold).sum();
    let (query, direction) = match sort {
        Sort::Relevance if words.is_empty() => (query.order_by(sold, Order::Desc), Order::Desc),
        Sort::Relevance => (query.order_by(rank(words).min(), Order::Asc).order_by(sold, Order::Desc), Order::Desc),
        Sort::Price => (query.order_by(Column::PriceMinor.min(), Order::Asc), Order::Asc),
        Sort::PriceDown => (query.order_by(Column::PriceMinor.max(), Order::Desc), Order::Desc),
        Sort::Name => (query.order_by(Column::NameKey.min(), Order::Asc), Order::Asc),
        Sort::Newest => (query.order_by(Column::CreatedAt.max(), Order::Desc), Order::Desc),
        Sort::Stock => (query.order_by(Column::Stock.sum(), Order::Asc), Order::Asc),
        Sort::StockDown => (query.order_by(Column::Stock.sum(), Order::Desc), Order::Desc),
    };
    query.order_by(Column::GroupId, direction)
}

/// Ranks a match: 0 when the name begins with the words, 1 when it contains them, 2 when only the rest of the text does.
fn rank(words: &[String]) -> Expr {
    let beginning = beginning_with(&words.join(" "));
    let in_name =
        words.iter().fold(Condition::all(), |all, word| all.add(Expr::col(Column::NameKey).like(containing(word))));
    CaseStatement::new().case(Expr::col(Column::NameKey).like(beginning), 0).case(in_name, 1).finally(2).into()
}

/// Condition that a product has the value of an option, in the JSON of its options.
fn having(name: &str, value: &str) -> Expr {
    let option = ProductOption { name: name.to_owned(), value: value.to_owned() };
    // Two strings are always JSON.
    let json = serde_json::to_string(&option).unwrap_or_default();
    Expr::col(Column::Options).like(containing(&json))
}
