package clickhouse

import "testing"

func TestDatabaseID(t *testing.T) {
	conn := migrated(t)
	ids := map[string]bool{}
	ask := func() {
		t.Helper()
		if err := Migrate(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		id, err := DatabaseID(t.Context(), conn)
		if err != nil || len(id) != 36 {
			t.Fatalf("ID %q, %v; want a UUID", id, err)
		}
		ids[id] = true
	}
	ask()
	ask()
	if len(ids) != 1 {
		t.Errorf("one database has the IDs %v", ids)
	}
	for _, statement := range []string{"DROP DATABASE tidewatch SYNC", "CREATE DATABASE tidewatch"} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	if len(ids) != 2 {
		t.Errorf("a new database has the ID of the old one")
	}
	if err := conn.Exec(t.Context(), "TRUNCATE TABLE tidewatch_database"); err != nil {
		t.Fatal(err)
	}
	ask()
	if len(ids) != 3 {
		t.Errorf("a database whose ID was removed has it still")
	}
}
