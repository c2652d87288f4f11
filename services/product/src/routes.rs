//! URL table of the product service.

mod adjust_stock;
mod category_view;
mod change_category;
mod change_product;
pub(crate) mod conditional;
mod create_category;
mod create_product;
mod delete_category;
mod delete_product;
mod export_products;
mod import_products;
mod list_categories;
mod list_movements;
mod list_products;
mod list_query;
mod list_related;
mod lists;
pub(crate) mod product_view;
mod quote_products;
mod replace_category;
mod replace_product;
mod restore_product;
mod rules;
mod set_picture;
mod show_by_slug;
mod show_picture;
mod show_product;
mod suggest_products;
mod upload;

use souk_kit::routes::Routes;

use crate::app::App;

pub(crate) fn table() -> Routes<App> {
    souk_kit::routes! { App:
        GET    "/products"                     public list_products;
        POST   "/products"                     token  create_product;
        POST   "/products/import"              token  import_products;
        GET    "/products/export"              token  export_products;
        GET    "/products/suggest"             public suggest_products;
        GET    "/products/by-slug/{slug}"      public show_by_slug;
        GET    "/products/{productId}"         public show_product;
        PUT    "/products/{productId}"         token  replace_product;
        PATCH  "/products/{productId}"         token  change_product;
        DELETE "/products/{productId}"         token  delete_product;
        GET    "/products/{productId}/related" public list_related;
        GET    "/products/{productId}/movements" token list_movements;
        POST   "/products/{productId}/stock"   token  adjust_stock;
        POST   "/products/{productId}/restore" token  restore_product;
        POST   "/products/{productId}/picture" token  set_picture;
        GET    "/pictures/{pictureId}/{size}"  public show_picture;
        GET    "/categories"                   public list_categories;
        POST   "/categories"                   token  create_category;
        PUT    "/categories/{categoryId}"      token  replace_category;
        PATCH  "/categories/{categoryId}"      token  change_category;
        DELETE "/categories/{categoryId}"      token  delete_category;
        POST   "/internal/products/quote"      token  quote_products;
    }
}
