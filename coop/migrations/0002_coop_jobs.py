"""The job queue: the tables of procrastinate, as the library itself lays them out."""

from procrastinate.schema import SchemaManager
from psycopg import Connection
from yoyo import step


def lay_out(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SchemaManager.get_schema())
        cursor.execute(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, "
            "procrastinate_periodic_defers, procrastinate_workers TO moyai_app"
        )
        cursor.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO moyai_app")


step(lay_out)
