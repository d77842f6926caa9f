"""The ledger: schema, roles and rights, statements in .sql, access to PostgreSQL. Refuses: deciding what is right."""
