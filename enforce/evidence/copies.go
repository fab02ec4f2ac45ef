package evidence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/overlay"
)

// markedAs are the copies of pictures.
var markedAs = map[enforce.FileKind]enforce.FileKind{
	enforce.SceneBegin: enforce.MarkedBegin, enforce.SceneMiddle: enforce.MarkedMiddle,
	enforce.SceneDue: enforce.MarkedDue, enforce.CloseUp: enforce.MarkedCloseUp,
}

// composition are the pictures that a composite shows, in order, plateless those
// where the plate was not read, and cellNames what they are called there.
var (
	composition = []enforce.FileKind{enforce.SceneBegin, enforce.SceneDue, enforce.CloseUp, enforce.Plate}
	plateless   = []enforce.FileKind{enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp}
	cellNames   = map[enforce.FileKind]string{
		enforce.SceneBegin: "远景", enforce.SceneMiddle: "远景", enforce.SceneDue: "远景",
		enforce.CloseUp: "特写", enforce.Plate: "号牌",
	}
)

// copies draws and stores the composite and the marked copies.
func (r *Recorder) copies(ctx context.Context, v enforce.Violation, stills []still) ([]enforce.File, error) {
	zone, err := time.LoadLocation(v.Section.TimeZone)
	if err != nil {
		zone = time.UTC // which the words then say
	}
	var files []enforce.File
	for _, draw := range append([]copied{r.composite(v, stills, zone)}, r.marked(v, stills)...) {
		data, err := draw.draw(inscription(v, draw.file, zone))
		if err != nil {
			r.Log.Warn("evidence without a copy", "violation", v.ID, "kind", draw.file.Kind, "error", err)
			r.Metrics.missingCopies.Inc()
			continue
		}
		file, err := r.store(ctx, draw.file, data)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// copied is a copy to be drawn.
type copied struct {
	file enforce.File
	draw func(words []string) ([]byte, error)
}

// marked are the copies of single pictures.
func (r *Recorder) marked(v enforce.Violation, stills []still) []copied {
	var all []copied
	for _, s := range stills {
		if kind, wanted := markedAs[s.file.Kind]; wanted {
			all = append(all, copied{copyOf(v, kind, s.file, s.file.SHA256), func(words []string) ([]byte, error) {
				return r.Copies.Mark(s.jpeg, words)
			}})
		}
	}
	return all
}

// composite is one picture of all.
func (r *Recorder) composite(v enforce.Violation, stills []still, zone *time.Location) copied {
	chosen := composition
	if !slices.ContainsFunc(stills, func(s still) bool { return s.file.Kind == enforce.Plate }) {
		chosen = plateless
	}
	var cells []overlay.Cell
	var originals []string
	var latest enforce.File
	for _, kind := range chosen {
		i := slices.IndexFunc(stills, func(s still) bool { return s.file.Kind == kind })
		s := stills[i]
		cells = append(cells, overlay.Cell{Picture: s.jpeg, Words: cellNames[kind] + " " + s.file.At.In(zone).Format(time.DateTime)})
		originals = append(originals, s.file.SHA256)
		if kind == enforce.SceneDue {
			latest = s.file
		}
	}
	return copied{copyOf(v, enforce.Composite, latest, originals...), func(words []string) ([]byte, error) {
		return r.Copies.Composite(cells, words)
	}}
}

// copyOf is what is known of a copy before it is drawn: it shows the moment of a
// picture.
func copyOf(v enforce.Violation, kind enforce.FileKind, of enforce.File, originals ...string) enforce.File {
	of.Kind, of.Of = kind, originals
	of.AntiForgery = enforce.AntiForgery(v.ID, of.At, originals...)
	return of
}

// inscription is what is written on a copy, in the words that officers and the
// police know.
func inscription(v enforce.Violation, f enforce.File, zone *time.Location) []string {
	at := f.At.In(zone).Format(time.DateTime)
	if zone == time.UTC {
		at += " UTC"
	}
	return []string{
		fmt.Sprintf("时间 %s（服务器时间，%s）", at, clockWords(f)),
		"地点 " + cmp.Or(v.Camera.Place, v.Section.Name, unsaid),
		"方向 " + cmp.Or(v.Camera.Direction, unsaid),
		"设备编号 " + cmp.Or(v.Camera.DeviceID, v.Camera.ID, unsaid),
		"违法代码 " + cmp.Or(v.Code, unsaid),
		"防伪码 " + f.AntiForgery,
	}
}

// unsaid stands for what the configuration does not tell.
const unsaid = "未登记"

// clockWords says how far the camera's clock was off.
func clockWords(f enforce.File) string {
	tenths := f.ClockError.Abs().Round(100 * time.Millisecond)
	switch {
	case f.CameraTime.IsZero():
		return "摄像机时间未知"
	case tenths == 0:
		return "摄像机时钟准确"
	case f.ClockError > 0:
		return fmt.Sprintf("摄像机快 %.1f 秒", tenths.Seconds())
	}
	return fmt.Sprintf("摄像机慢 %.1f 秒", tenths.Seconds())
}
