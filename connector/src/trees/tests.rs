//! Carts from webhooks to Salesforce's books, in random orders.

mod books;
mod fields;
mod shapes;
mod words;
