package feed_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// neighbour is what something that is no camera does wrong, tried by a test of
// the package that speaks to it.
type neighbour struct {
	name     string
	is       string // what goes wrong
	reaction string // what is said, and done
	folder   string // of the test, from the top
	test     string
}

// neighbours are in the order of the documentation.
var neighbours = []neighbour{
	{
		"local time as UTC", "a device says by ONVIF that its local time is UTC, and refuses the right account for it",
		"asked once more by its clock less its time zone; the clock's fault is told, not a wrong password", "ingest/onvif", "TestDiscoverDoubtsATime",
	},
	{
		"a challenge in single quotes", "or without quotes or an algorithm, by a GA/T 1400 platform",
		"read like any other; MD5 is answered, by name", "enforce/police/viid", "TestFindChallenge",
	},
	{
		"a challenge that cannot be answered", "another scheme or algorithm, or noise", "called that, not unreachable",
		"enforce/police/viid", "TestAChallengeThatCannotBeAnsweredIsCalledThat",
	},
	{
		"ClickHouse's port for HTTP", "or another server, at the address given as the native one",
		"`clickhouse.address answers HTTP: give the native port`; TLS where there is none, and the reverse, are told as well",
		"storage/clickhouse", "TestAddressesOfOthers",
	},
	{
		"a topic made by others", "the case log's topic deletes or compacts what is old",
		"nothing starts on it; what is wrong is said with the command that mends it", "storage/kafka", "TestATopicMadeByOthers",
	},
	{
		"a topic that takes no large events", "Kafka refuses one for its size",
		"the setting to raise is named; the event waits, and holds up its own case alone", "storage/kafka", "TestAnEventTooLarge",
	},
}

// told writes down the table of neighbours.
func (n neighbour) told() string {
	return fmt.Sprintf("| %s | %s | %s | `go test ./%s -run %s` |\n", n.name, n.is, n.reaction, n.folder, n.test)
}

func TestNeighboursHaveTheirTests(t *testing.T) {
	for _, n := range neighbours {
		files, err := filepath.Glob(filepath.Join("../..", n.folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(source), "\nfunc "+n.test+"(t *testing.T) {")
		}
		if !found {
			t.Errorf("%s: %s has no %s", n.name, n.folder, n.test)
		}
	}
}
