package words

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
)

// told is a case that a legal reader checks: a stop, by the clock of Shanghai,
// in a street with two bays, a crossing and a fire lane.
type told struct {
	zh, en     string // what it is about
	start, end string
	change     func(*enforce.RoadSection) // of the rule; nil: as announced
	stop       func(*enforce.StopRecord)  // of the stop; nil: a car wholly in bay A1
	suspected  bool
	measured   *measured // what becomes of it; nil: not told
}

// measured is what bears on the measure, beside the stop.
type measured struct {
	past  []string      // when the earlier violations of the vehicle began
	left  time.Duration // after the period had run out; 0: not seen leaving
	trial bool
}

var toldCases = []told{
	{
		"跨零点时段内停放", "Parked over midnight, inside the window",
		"2026-03-02 22:00:00", "2026-03-03 06:59:59", nil, nil, false, nil,
	},
	{
		"跨零点时段结束后未驶离", "Stayed past the end of a window over midnight",
		"2026-03-02 22:00:00", "2026-03-03 07:15:01", nil, nil, true, nil,
	},
	{
		"周六凌晨属于周五夜间时段", "Small hours of a Saturday belong to Friday's night",
		"2026-03-07 02:00:00", "2026-03-07 06:00:00", nil, nil, false, nil,
	},
	{
		"法定节假日", "A statutory holiday",
		"2026-10-01 10:00:00", "2026-10-01 15:00:00", nil, nil, false, nil,
	},
	{
		"法定节假日前一日（工作日）同样停放", "The same on the working day before the holiday",
		"2026-09-30 10:00:00", "2026-09-30 15:00:00", nil, nil, true, nil,
	},
	{
		"调休上班的周六不是休息日", "A Saturday that is worked is no rest day",
		"2026-02-14 10:00:00", "2026-02-14 10:30:00", nil, nil, true, nil,
	},
	{
		"普通周六是休息日", "An ordinary Saturday is a rest day",
		"2026-03-14 10:00:00", "2026-03-14 10:30:00", nil, nil, false, nil,
	},
	{
		"公告暂停期间停放", "Parked while the announcement is suspended",
		"2026-09-10 20:00:00", "2026-09-10 20:10:00", nil, nil, true, nil,
	},
	{
		"停放中公告开始暂停", "The suspension begins while it stands",
		"2026-09-09 22:00:00", "2026-09-10 00:15:01", nil, nil, true, nil,
	},
	{
		"活动期间临时开放", "Opened for an event",
		"2026-08-14 13:00:00", "2026-08-14 16:00:00", nil, nil, false, nil,
	},
	{
		"时段内跨泊位停放", "Across two bays inside the window",
		"2026-03-02 22:00:00", "2026-03-02 22:30:00", nil, at(0.37, 0.5), true, nil,
	},
	{
		"时段内未停入泊位", "Out of any bay inside the window",
		"2026-03-02 22:00:00", "2026-03-02 22:30:00", nil, at(0.10, 0.5), true, nil,
	},
	{
		"时段内停在人行横道", "On the crossing inside the window",
		"2026-03-02 22:00:00", "2026-03-02 22:30:00", nil, at(0.72, 0.5), true, nil,
	},
	{
		"时段内占用消防车通道", "In the fire lane inside the window",
		"2026-03-02 22:00:00", "2026-03-02 22:30:00", nil, at(0.87, 0.5), true, nil,
	},
	{
		"时段内逆向停放", "Against the arrow inside the window",
		"2026-03-02 22:00:00", "2026-03-02 22:30:00",
		nil, func(s *enforce.StopRecord) { s.Heading = &enforce.Vector{X: -1} }, true, nil,
	},
	{
		"结束边界：最后一秒前到达，享有宽限", "The boundary second: came in the window's last second, and has the grace",
		"2026-03-03 06:59:59", "2026-03-03 07:14:59", exact, nil, false, nil,
	},
	{
		"结束边界：结束的一秒到达，无宽限", "The boundary second: came as the window ended, without grace",
		"2026-03-03 07:00:00", "2026-03-03 07:05:00", exact, nil, true, nil,
	},
	{
		"开始边界：观察时长恰在开始的一秒届满", "The boundary second: the period runs out as the window opens",
		"2026-03-02 18:58:00", "2026-03-02 19:30:00", exact, nil, true, nil,
	},
	{
		"开始边界：差一秒届满", "The boundary second: one second short as the window opens",
		"2026-03-02 18:58:01", "2026-03-02 19:30:00", exact, nil, false, nil,
	},
	{
		"时钟误差大于到达时刻与边界之差", "A clock error wider than the margin to the boundary",
		"2026-03-03 07:00:20", "2026-03-03 07:05:30",
		nil, func(s *enforce.StopRecord) { s.ClockError = 30 * time.Second }, false, nil,
	},
	{
		"同一停放，时钟误差不大", "The same stop by a good clock",
		"2026-03-03 07:00:20", "2026-03-03 07:05:30", nil, nil, true, nil,
	},
	{
		"观察期间摄像机看不清", "The camera is blind while the period runs",
		"2026-03-03 10:00:00", "2026-03-03 10:06:00",
		nil, func(s *enforce.StopRecord) {
			s.Unseen = []enforce.UnseenSpan{{From: s.Start.Add(time.Minute), Until: s.Start.Add(4 * time.Minute)}}
		}, false, nil,
	},
	{
		"在信号灯前排队等候", "Waiting in a queue at a signal for longer than the period",
		"2026-03-03 10:00:00", "2026-03-03 10:06:00",
		nil, func(s *enforce.StopRecord) {
			s.Queued = []enforce.QueuedSpan{{From: s.Start, Until: s.Start.Add(5 * time.Minute)}}
		}, false, nil,
	},
	{
		"其他车辆驶离后仍未驶离", "Stayed when the queue that it came in had driven on",
		"2026-03-03 10:00:00", "2026-03-03 10:06:30",
		nil, func(s *enforce.StopRecord) {
			s.Queued = []enforce.QueuedSpan{{From: s.Start, Until: s.Start.Add(90 * time.Second)}}
		}, true, nil,
	},
	{
		"高峰时段观察时长缩短", "A shorter limit begins with the rush hour",
		"2026-03-03 16:58:00", "2026-03-03 17:02:01", nil, nil, true, nil,
	},
	{
		"节假日安排未知的年份", "A year whose holidays are not known",
		"2027-03-02 20:00:00", "2027-03-02 21:00:00", nil, nil, false, nil,
	},
	{
		"节假日安排未知的年份的周六", "A Saturday of a year whose holidays are not known",
		"2027-03-06 10:00:00", "2027-03-06 11:00:00", nil, nil, false, nil,
	},
	{
		"非本区域管理的车型", "A vehicle for which the zone is not",
		"2026-03-03 10:00:00", "2026-03-03 11:00:00",
		nil, func(s *enforce.StopRecord) { s.Class = detect.Bicycle }, false, nil,
	},
	{
		"豁免名单内的车辆", "A vehicle that is exempt",
		"2026-03-03 10:00:00", "2026-03-03 11:00:00",
		nil, exempt(enforce.Resident, "建设路社区〔2026〕3号", ""), false, nil,
	},
	{
		"豁免到期后未驶离", "Stayed past the end of its exemption",
		"2026-03-03 10:00:00", "2026-03-03 12:15:01",
		nil, exempt(enforce.Permit, "占道许可〔2026〕41号", "2026-03-03 12:00:00"), true, nil,
	},
	{
		"规定不适用的车型", "A class of vehicle that the rule leaves out",
		"2026-03-03 10:00:00", "2026-03-03 11:00:00",
		func(r *enforce.RoadSection) { r.ExemptClasses = []detect.Class{detect.Bus} },
		func(s *enforce.StopRecord) { s.Class = detect.Bus }, false, nil,
	},
	{
		"首次违法", "A first violation",
		"2026-03-03 10:00:00", "2026-03-03 10:05:00", scaled, nil, true, &measured{},
	},
	{
		"期限届满当日再次违法，且属轻微", "A minor one, as the days since the first have just gone by",
		"2026-06-02 10:00:00", "2026-06-02 10:05:00", scaled, nil, true, &measured{past: []string{"2026-03-03 10:00:00"}, left: 90 * time.Second},
	},
	{
		"期限最后一日再次违法", "Repeated on the last of the days that count",
		"2026-06-01 10:00:00", "2026-06-01 10:05:00", scaled, nil, true, &measured{past: []string{"2026-03-03 10:00:00"}, left: 90 * time.Second},
	},
	{
		"第三次违法", "A third violation",
		"2026-04-01 10:00:00", "2026-04-01 10:05:00", scaled, nil, true,
		&measured{past: []string{"2026-03-03 10:00:00", "2026-03-20 10:00:00"}},
	},
	{
		"试运行区域的首次违法", "A first violation in a trial",
		"2026-03-03 10:00:00", "2026-03-03 10:05:00", scaled, nil, true, &measured{trial: true},
	},
	{
		"同一停放的第二次违法", "The second violation of a stop",
		"2026-03-03 07:30:00", "2026-03-03 17:35:01",
		func(r *enforce.RoadSection) { r.AgainAfter = 10 * time.Hour },
		func(s *enforce.StopRecord) { s.Nth = 1 }, true, nil,
	},
}

// scaled announces a scale of warnings and penalties.
func scaled(r *enforce.RoadSection) {
	r.Discretion = &enforce.Discretion{
		Announcement: "裁量基准〔2026〕1号", FirstWithinDays: 365, MinorWithin: 5 * time.Minute, RepeatWithinDays: 90, EscalateAt: 3,
	}
}

func exempt(kind enforce.ExemptionKind, reference, until string) func(*enforce.StopRecord) {
	return func(s *enforce.StopRecord) {
		e := enforce.ExemptSpan{Kind: kind, Reference: reference}
		if until != "" {
			e.Until, _ = time.ParseInLocation(time.DateTime, until, shanghai)
		}
		s.Exempt = append(s.Exempt, e)
	}
}

func at(x, y float64) func(*enforce.StopRecord) {
	return func(s *enforce.StopRecord) { s.Box.X, s.Box.Y = x, y }
}

func exact(s *enforce.RoadSection) { s.ClockError = 0 }

func box(left, right float64) enforce.Polygon {
	return enforce.Polygon{{X: left, Y: 0.4}, {X: right, Y: 0.4}, {X: right, Y: 0.8}, {X: left, Y: 0.8}}
}

var street = enforce.Zone{
	ID: "east-gate-kerb", Section: "jianshe-road",
	Polygon: enforce.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}},
	Bays: []enforce.Bay{
		{ID: "A1", Polygon: box(0.25, 0.45), Arrow: &enforce.Vector{X: 1}},
		{ID: "A2", Polygon: box(0.45, 0.65)},
		{ID: "C1", Kind: enforce.Crossing, Polygon: box(0.70, 0.85)},
		{ID: "F1", Kind: enforce.FireLane, Polygon: box(0.85, 1)},
	},
}

func date(month time.Month, day int) enforce.Date {
	return enforce.Date{Year: 2026, Month: month, Day: day}
}

// announced is the rule of the street in 2026.
func announced() enforce.RoadSection {
	work := []enforce.DayKind{enforce.Workday, enforce.AdjustedWorkday}
	return enforce.RoadSection{
		ID: "jianshe-road", Name: "建设路", Location: shanghai, Effective: date(1, 1), Code: "1039",
		ObservationPeriod: 5 * time.Minute, Grace: 10 * time.Minute, ClockError: time.Second,
		Limits: []enforce.Limit{{
			Hours:             enforce.Hours{From: 17 * 60, Until: 19 * 60, Kinds: work},
			ObservationPeriod: 2 * time.Minute, Grace: 10 * time.Minute,
		}},
		Windows: []enforce.TidalWindow{
			{Announcement: "〔2026〕12号", From: 19 * 60, Until: 7 * 60, Kinds: work},
			{Announcement: "〔2026〕13号", From: 0, Until: 24 * 60, Kinds: []enforce.DayKind{enforce.RestDay, enforce.StatutoryHoliday}},
			{Announcement: "〔2026〕61号", Name: "音乐节", From: 12 * 60, Until: 17 * 60, Days: []enforce.Date{date(8, 14)}},
		},
		Suspensions: []enforce.Suspension{{
			Announcement: "〔2026〕77号", Suspends: "〔2026〕12号",
			From: date(9, 10).Midnight(shanghai), Until: date(9, 13).Midnight(shanghai),
		}},
		Calendar: enforce.Calendar{Years: []int{2025, 2026}, Days: []enforce.SpecialDay{
			{Date: date(2, 14), Kind: enforce.AdjustedWorkday, Name: "春节"},
			{Date: date(10, 1), Kind: enforce.StatutoryHoliday, Name: "国庆节"},
			{Date: date(10, 2), Kind: enforce.StatutoryHoliday, Name: "国庆节"},
		}},
	}
}

// judged is the rule, the stop and the verdict of a case.
func (c told) judged(t *testing.T) (enforce.Policy, enforce.StopRecord, enforce.Verdict) {
	t.Helper()
	section := announced()
	if c.change != nil {
		c.change(&section)
	}
	stop := enforce.StopRecord{
		Start: moment(t, c.start), End: moment(t, c.end), Class: detect.Car,
		Box: detect.Box{X: 0.30, Y: 0.5, W: 0.12, H: 0.12},
	}
	if c.stop != nil {
		c.stop(&stop)
	}
	p := enforce.NewPolicy(section)
	return p, stop, p.JudgeRecord(stop, street)
}

// measure is what is said of what becomes of a violation.
func (c told) measure(t *testing.T, say Catalog, p enforce.Policy, v enforce.Verdict) []string {
	t.Helper()
	if c.measured == nil {
		return nil
	}
	violation := func(since time.Time) enforce.Violation {
		return enforce.Violation{
			Section: enforce.SectionRef{ID: p.Section.ID, TimeZone: p.Section.Location.String()},
			Since:   since, Due: v.Due, Reasons: v.Reasons, Trial: c.measured.trial,
		}
	}
	of := enforce.Case{ID: "this", State: enforce.StateSuspected, Violation: violation(v.Since)}
	if c.measured.left > 0 {
		of.StopEnd = v.Due.Add(c.measured.left)
	}
	var past []enforce.Case
	for _, since := range c.measured.past {
		past = append(past, enforce.Case{ID: since, State: enforce.StateWarned, Violation: violation(moment(t, since))})
	}
	return say.Measure(p.Section.Discretion.Measure(of, past), c.measured.trial)
}

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, s, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// TestExplained writes down what is said of each case, to be read line by line.
func TestExplained(t *testing.T) {
	for language, name := range map[Language]string{Chinese: "explained.zh.txt", English: "explained.en.txt"} {
		var said strings.Builder
		for i, c := range toldCases {
			policy, stop, verdict := c.judged(t)
			if verdict.Suspected != c.suspected {
				t.Errorf("%s: suspected = %v", c.en, verdict.Suspected)
			}
			title := c.en
			if language == Chinese {
				title = c.zh
			}
			fmt.Fprintf(&said, "%d. %s\n", i+1, title)
			for _, line := range In(language).Explain(policy, policy.Explain(stop.Start)) {
				fmt.Fprintf(&said, "   %s\n", line)
			}
			for _, line := range In(language).Verdict(stop, verdict, shanghai) {
				fmt.Fprintf(&said, "   %s\n", line)
			}
			for _, line := range c.measure(t, In(language), policy, verdict) {
				fmt.Fprintf(&said, "   %s\n", line)
			}
			said.WriteString("\n")
		}
		golden(t, name, said.String())
	}
}
