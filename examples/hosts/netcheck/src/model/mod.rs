//! The program itself, which knows neither window nor terminal: a list, the checks of its rows, and what is made of them.

pub mod checks;
pub mod export;
pub mod list;
pub mod listing;
pub mod machine;
pub mod options;
pub mod row;
pub mod target;
pub mod times;
