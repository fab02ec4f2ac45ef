package ingest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestPace plays a minute of ten pictures a second by cameras and networks of all
// kinds.
func TestPace(t *testing.T) {
	const never = time.Duration(-1)
	begin := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	same := func(at time.Duration) time.Duration { return at }
	times := func(f float64) func(time.Duration) time.Duration {
		return func(at time.Duration) time.Duration { return time.Duration(f * float64(at)) }
	}
	// Between its reports, one a second, a camera's time is told by its media clock.
	reported := func(f float64) func(time.Duration) time.Duration {
		return func(at time.Duration) time.Duration {
			report := at.Truncate(time.Second)
			return report + time.Duration(f*float64(at-report))
		}
	}
	for _, test := range []struct {
		name    string
		media   func(at time.Duration) time.Duration // presentation time of a picture taken at a time
		arrival func(at time.Duration) time.Duration // nil: at once
		camera  func(at time.Duration) time.Duration // by its reports; nil: none
		want    float64                              // speed found, 1 if it is right
	}{
		{"right", same, nil, nil, 1},
		{"right, with reports", same, nil, same, 1},
		{"a quarter of a thousandth fast", times(1.00025), nil, nil, 1},
		{"1 kHz", times(1.0 / 90), nil, nil, 1.0 / 90},
		{"1 kHz, with reports", times(1.0 / 90), nil, reported(1.0 / 90), 1.0 / 90},
		{"still", times(0), nil, nil, 0},
		{"ten times too fast", times(10.5), nil, nil, 10.5},
		{"ten times too fast, with reports", times(10.5), nil, reported(10.5), 10.5},
		{"16 % slow", times(0.84), nil, reported(0.84), 0.84},
		{"a stall, then all at once", same, func(at time.Duration) time.Duration {
			if at > 20*time.Second && at < 31*time.Second {
				return 31 * time.Second
			}
			return at
		}, nil, 1},
		{"a network that is too slow for a while, with reports", same, func(at time.Duration) time.Duration {
			return at + max(0, min(at-20*time.Second, 20*time.Second))/3
		}, same, 1},
		{"a network whose delay grows once", same, func(at time.Duration) time.Duration {
			if at > 30*time.Second {
				return at + 700*time.Millisecond
			}
			return at
		}, nil, 1},
		{"reports of a clock that stands still", same, nil, times(0), 1},
		{"reports of a clock that is set", same, nil, func(at time.Duration) time.Duration {
			if at > 30*time.Second {
				return at + time.Hour
			}
			return at
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			var p pace
			found := never
			for at := time.Duration(0); at < time.Minute; at += 100 * time.Millisecond {
				arrived := at
				if test.arrival != nil {
					arrived = test.arrival(at)
				}
				arrived += time.Duration(random.ExpFloat64() * float64(20*time.Millisecond))
				camera := time.Time{}
				if test.camera != nil {
					camera = begin.Add(test.camera(at))
				}
				p.add(test.media(at), begin.Add(arrived), camera)
				if _, wrong := p.speed(); wrong && found == never {
					found = at
				}
			}
			speed, wrong := p.speed()
			if math.Abs(speed-test.want) > 0.02*test.want+0.005 || wrong != (test.want != 1) {
				t.Errorf("speed %.4f, wrong %v; want %.4f", speed, wrong, test.want)
			}
			if test.want == 1 && found != never {
				t.Errorf("was thought wrong after %s", found)
			}
			if test.want != 1 && found > 16*time.Second {
				t.Errorf("was found after %s", found)
			}
		})
	}
}

func TestPaceIsRightAgain(t *testing.T) {
	begin := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	var p pace
	media := time.Duration(0)
	for at := time.Duration(0); at < time.Minute; at += 100 * time.Millisecond {
		step := 100 * time.Millisecond
		if at < 30*time.Second {
			step /= 2
		}
		p.add(media, begin.Add(at), time.Time{})
		media += step
		if _, wrong := p.speed(); at > 15*time.Second && at < 30*time.Second && !wrong {
			t.Fatalf("at %s half the speed is right", at)
		}
	}
	if speed, wrong := p.speed(); wrong {
		t.Errorf("true speed is %.2f", speed)
	}
}
