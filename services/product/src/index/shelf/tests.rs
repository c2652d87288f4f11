use souk_values::Id;

use super::{super::entry::EntryItem, *};

fn id(number: i64) -> ProductId {
    ProductId::new(number).unwrap()
}

fn entry(group: i64, products: &[i64]) -> ShelfEntry {
    let items = products.iter().map(|product| EntryItem {
        product_id: id(*product),
        version: 1,
        price: 100,
        category_id: CategoryId::new(1).unwrap(),
        brand: Some("Ostra".to_owned()),
        options: Vec::new(),
        created_at: 0,
    });
    ShelfEntry { group_id: id(group), name_key: "pan".to_owned(), items: items.collect() }
}

fn put(shelf: &mut Shelf, group: i64, products: &[i64]) {
    let place = shelf.place_for(id(group));
    shelf.put(place, entry(group, products), |_| Units { stock: 3, sold: 0 });
}

#[test]
fn a_product_is_where_it_was_put_last() {
    let mut shelf = Shelf::default();
    put(&mut shelf, 1, &[1, 2]);
    put(&mut shelf, 3, &[3, 2]);
    put(&mut shelf, 1, &[1]);
    assert_eq!(shelf.known(id(2)), Some(Known { group_id: id(3), version: 1 }));
    assert_eq!(shelf.products(), 3);
    shelf.remove(id(3));
    assert_eq!((shelf.known(id(2)), shelf.known(id(3)), shelf.products()), (None, None, 1));
    put(&mut shelf, 3, &[2]);
    assert_eq!(shelf.len(), 2);
    assert_eq!(shelf.brands.len(), 1);
}

#[test]
fn a_revision_grows_with_each_change() {
    let mut shelf = Shelf::default();
    put(&mut shelf, 1, &[1]);
    let revision = |shelf: &Shelf| shelf.revision(0).unwrap();
    let first = revision(&shelf);
    assert!(!shelf.set_units(id(1), Units { stock: 3, sold: 0 }));
    assert_eq!(revision(&shelf), first);
    assert!(shelf.set_units(id(1), Units { stock: 2, sold: 0 }));
    let moved = revision(&shelf);
    assert!(moved > first);
    put(&mut shelf, 1, &[1]);
    assert!(revision(&shelf) > moved);
    assert!(!shelf.set_units(id(9), Units { stock: 2, sold: 0 }));
}

#[test]
fn sets_of_options_that_no_group_has_any_more_are_forgotten() {
    let mut shelf = Shelf::default();
    let mut edit = |group: i64, value: String| {
        let mut entry = entry(group, &[group]);
        entry.items[0].options = vec![ProductOption { name: "Size".to_owned(), value }];
        let place = shelf.place_for(id(group));
        shelf.put(place, entry, |_| Units { stock: 3, sold: 0 });
        assert!(shelf.option_sets.len() <= 2 * MIN_SETS);
        let sets = shelf.groups().map(|(_, group)| shelf.option_sets.get(group.option_set).unwrap());
        let values = sets.map(|set| set.iter().map(|option| shelf.options.get(*option).unwrap().value.clone()));
        values.map(|values| values.collect::<Vec<_>>().concat()).collect::<Vec<String>>()
    };
    edit(1, "one".to_owned());
    for number in 0..5 * MIN_SETS {
        assert_eq!(edit(2, number.to_string()), ["one".to_owned(), number.to_string()]);
    }
}
