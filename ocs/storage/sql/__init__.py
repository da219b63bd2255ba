"""The stores on an SQL database. One definition of the tables (`schema`); SQLite is what runs on it now.

Entry points: `ocs.storage.sql.stores.open_sql_stores`, `ocs.storage.sql.lock.lock_database`,
`ocs.storage.sql.backup.backup`.
"""
