"""The ledger: schema, roles and rights, statements in .sql, access to PostgreSQL. Does not decide what is right."""
