package kafka

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// usualMessage is what Kafka itself takes where nothing else is set.
	usualMessage = 1048588
	// leastMessage is what the topic must take: the largest event with its key
	// and the batch around it.
	leastMessage = maxEvent + 4<<10
)

// finding is something about the topic that is not as the truth needs it.
type finding struct {
	what  string
	mend  string // the setting that mends it, NAME=VALUE; empty where none does
	lost  bool   // events are gone, or with another topic: no setting brings them back
	fatal bool   // a start refuses: what is written may be deleted
	holds bool   // nothing is appended while it lasts
	minor bool   // the truth is not in danger yet
}

// judge compares a topic with what was known of it, and its settings with what
// the truth needs. Without settings they are not judged.
func judge(was *sight, is topic, settings map[string]string) []finding {
	found := changes(was, is)
	if settings != nil {
		found = slices.Concat(found, keeping(settings), copying(settings, is), room(settings))
	}
	for number, p := range is.partitions {
		if !p.led {
			found = append(found, finding{what: fmt.Sprintf("partition %d has no leader: its events cannot be read or written", number)})
		}
	}
	return found
}

// changes says what shows that events were lost, or that this is another topic.
func changes(was *sight, is topic) []finding {
	if was == nil {
		return nil
	}
	if other := is.differs(*was); other != "" {
		return []finding{{what: other, lost: true, holds: true}}
	}
	var found []finding
	for number, p := range is.partitions[:was.Partitions] {
		if end := was.Ends[number]; p.end < end {
			found = append(found, finding{lost: true, holds: true, what: fmt.Sprintf(
				"partition %d ended at offset %d and ends at %d: its last events were lost", number, end, p.end)})
		}
		if begin := was.Begins[number]; p.begin > begin {
			found = append(found, finding{lost: true, what: fmt.Sprintf(
				"partition %d began at offset %d and begins at %d: its first events were deleted", number, begin, p.begin)})
		}
	}
	return found
}

// differs says how a topic shows that it is another one; empty if it does not.
func (t topic) differs(was sight) string {
	switch {
	case t.cluster != was.Cluster && t.cluster != "" && was.Cluster != "":
		return fmt.Sprintf("it is on cluster %s and was on %s", t.cluster, was.Cluster)
	case t.id != was.ID && t.id != "" && was.ID != "":
		return fmt.Sprintf("its topic ID is %s and was %s: it was deleted and made anew", t.id, was.ID)
	case len(t.partitions) < was.Partitions:
		return fmt.Sprintf("it has %d partitions and had %d: it was deleted and made anew", len(t.partitions), was.Partitions)
	}
	return ""
}

// keeping finds settings by which events are deleted.
func keeping(settings map[string]string) (found []finding) {
	policy := settings["cleanup.policy"]
	if strings.Contains(policy, "compact") {
		found = append(found, finding{
			what:  fmt.Sprintf("cleanup.policy is %s: of each case all but the newest event is deleted", policy),
			mend:  "cleanup.policy=delete",
			fatal: true, holds: true,
		})
	}
	if age := settings["retention.ms"]; age != "-1" {
		found = append(found, finding{
			what: fmt.Sprintf("retention.ms is %s: events are deleted after %s", age, inWords(age)), mend: "retention.ms=-1", fatal: true,
		})
	}
	if size := settings["retention.bytes"]; size != "-1" {
		found = append(found, finding{
			what: fmt.Sprintf("retention.bytes is %s: what is beyond that is deleted, the oldest events first", size),
			mend: "retention.bytes=-1", fatal: true,
		})
	}
	return found
}

// inWords is a time in milliseconds for people.
func inWords(ms string) string {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return "some time"
	}
	if d := time.Duration(n) * time.Millisecond; n < int64(48*time.Hour/time.Millisecond) {
		return d.String()
	}
	return fmt.Sprintf("%d days", n/(24*time.Hour).Milliseconds())
}

// copying finds settings by which the loss of a broker loses events.
func copying(settings map[string]string, is topic) (found []finding) {
	copies := is.partitions[0].replicas
	enough, _ := strconv.Atoi(settings["min.insync.replicas"])
	if copies > 1 && settings["unclean.leader.election.enable"] == "true" {
		found = append(found, finding{
			what: "unclean.leader.election.enable is true: events that were acknowledged may be lost with a broker",
			mend: "unclean.leader.election.enable=false",
		})
	}
	switch {
	case copies < enough:
		found = append(found, finding{
			what: fmt.Sprintf("min.insync.replicas is %d and there are %d replicas: no event can be written", enough, copies),
			mend: fmt.Sprintf("min.insync.replicas=%d", enoughInSync(copies)),
		})
	case copies >= 3 && enough < 2:
		found = append(found, finding{
			what: "min.insync.replicas is 1: an event counts as kept when one broker has it",
			mend: "min.insync.replicas=2", minor: true,
		})
	case copies == 1 && is.brokers > 1:
		found = append(found, finding{
			what: fmt.Sprintf("one of %d brokers has it: with that disk the cases are lost (raise its replication by kafka-reassign-partitions.sh)",
				is.brokers), minor: true,
		})
	}
	return found
}

// room finds a limit that an event may not fit into.
func room(settings map[string]string) []finding {
	most, err := strconv.Atoi(settings["max.message.bytes"])
	if err != nil || most >= leastMessage {
		return nil
	}
	return []finding{{
		what: fmt.Sprintf("max.message.bytes is %d: an event may have %d", most, leastMessage),
		mend: fmt.Sprintf("max.message.bytes=%d", usualMessage),
	}}
}
