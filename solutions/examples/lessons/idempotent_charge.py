import sqlite3


# --8<-- [start:charge]
def charge(db: sqlite3.Connection, job_id: str, cents: int) -> bool:
    try:
        with db:
            db.execute("insert into handled (job_id) values (?)", (job_id,))
            db.execute("update account set cents = cents + ?", (cents,))
    except sqlite3.IntegrityError:
        return False
    return True


# --8<-- [end:charge]

db = sqlite3.connect(":memory:")
db.execute("create table handled (job_id text primary key)")
db.execute("create table account (cents integer)")
db.execute("insert into account values (0)")
print([charge(db, "job-1", 500) for _ in range(2)], db.execute("select cents from account").fetchone())
