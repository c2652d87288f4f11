//! The URL table of the service.

mod add_item;
mod add_wish;
mod change_item;
mod clear_cart;
mod list_lines;
mod mark_ordered;
mod merge_carts;
mod move_wish;
mod remove_item;
mod remove_wish;
mod show_cart;
mod show_purchases;
mod show_wishlist;

use souk_kit::routes::Routes;

use crate::app::App;

pub(crate) fn table() -> Routes<App> {
    souk_kit::routes! { App:
        GET    "/cart"                              token show_cart;
        POST   "/cart"                              token add_item;
        DELETE "/cart"                              token clear_cart;
        GET    "/cart/purchases"                    token show_purchases;
        PATCH  "/cart/items/{cartItemId}"           token change_item;
        DELETE "/cart/items/{cartItemId}"           token remove_item;
        POST   "/cart/merge"                        token merge_carts;
        GET    "/wishlist"                          token show_wishlist;
        POST   "/wishlist"                          token add_wish;
        DELETE "/wishlist/{productId}"              token remove_wish;
        POST   "/wishlist/{productId}/move-to-cart" token move_wish;
        GET    "/internal/carts/{userId}/lines"     token list_lines;
        POST   "/internal/carts/{userId}/ordered"   token mark_ordered;
    }
}
