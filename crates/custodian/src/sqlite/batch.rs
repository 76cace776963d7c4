//! Several statements that are run as one: a single errand to the thread that owns the connection.

use sqlx::{
    AssertSqlSafe, Encode, Executor as _, Sqlite, SqliteConnection, Type,
    sqlite::{SqliteArguments, SqliteQueryResult},
};

/// Statements, in order, and what is bound to their `?`.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    sql: String,
    arguments: SqliteArguments,
    /// Whether it deletes what must be gone from the journal soon.
    pub(super) deletes: bool,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { sql: String::with_capacity(1024), ..Self::default() }
    }

    /// Adds a statement. Everything that comes from outside is bound.
    pub(super) fn push(&mut self, statement: &str) -> &mut Self {
        self.sql.push_str(statement);
        self.sql.push_str(";\n");
        self
    }

    /// Binds the next `?`.
    pub(super) fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        use sqlx::Arguments as _;
        // Bytes, texts and integers are written as they are: nothing to fail.
        let _always = self.arguments.add(value);
        self
    }

    /// The same statements between two others.
    pub(super) fn between(&self, before: &str, after: &str) -> Self {
        let sql = [before, ";\n", &self.sql, after].concat();
        Self { sql, arguments: self.arguments.clone(), deletes: self.deletes }
    }

    pub(super) async fn run(
        self,
        connection: &mut SqliteConnection,
    ) -> Result<SqliteQueryResult, sqlx::Error> {
        // Safe: statements are literals of this module, and values are bound.
        let query = sqlx::query_with(AssertSqlSafe(self.sql), self.arguments);
        connection.execute(query.persistent(true)).await
    }
}
