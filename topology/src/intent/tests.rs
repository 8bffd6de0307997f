//! Every rule of the requests, one table for each.
