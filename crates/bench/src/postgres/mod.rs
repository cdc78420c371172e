//! PostgreSQL beside the gateway: a private cluster, the bare database, and what is asked of both.

pub(crate) mod bare;
pub(crate) mod big;
pub(crate) mod cluster;
pub(crate) mod fill;
pub(crate) mod measure;
pub(crate) mod pgbench;
pub(crate) mod plans;
pub(crate) mod sql;
