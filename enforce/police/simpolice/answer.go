package simpolice

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// The status codes that the simulator gives.
const (
	statusOK      = 0
	statusBusy    = 2
	statusFormat  = 7 // JSON format
	statusContent = 8 // JSON content
)

var statusWords = map[int]string{
	statusOK: "正常", 1: "未知错误", statusBusy: "设备忙", 3: "设备错", 4: "无效操作",
	statusFormat: "JSON格式无效", statusContent: "JSON内容无效", 9: "系统重启中",
}

// status makes a ResponseStatusObject in the platform's manners.
func (s *Server) status(r *http.Request, id string, code int, words string) map[string]any {
	s.mu.Lock()
	m := s.manners
	s.mu.Unlock()
	status := map[string]any{
		"Id": id, "RequestURL": r.URL.Path, "StatusCode": code, "StatusString": words,
		"LocalTime": now().Format("20060102150405"),
	}
	if words == "" {
		status["StatusString"] = statusWords[code]
	}
	if m.TextCodes {
		status["StatusCode"] = strconv.Itoa(code)
	}
	if m.Nulls {
		status["Id"], status["RequestURL"] = nil, nil
	}
	if m.EpochTimes {
		status["LocalTime"] = now().UnixMilli()
	}
	return status
}

// one answers a system call.
func (s *Server) one(w http.ResponseWriter, r *http.Request, id string, code int, words string) {
	write(w, map[string]any{"ResponseStatusObject": s.status(r, id, code, words)})
}

// many answers an upload.
func many(w http.ResponseWriter, statuses []map[string]any) {
	write(w, map[string]any{"ResponseStatusListObject": map[string]any{"ResponseStatusObject": statuses}})
}

func write(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/VIID+JSON")
	_ = json.NewEncoder(w).Encode(answer) // a caller that has gone away needs no answer
}
