package simpolice

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// vehicles takes an upload. Every vehicle is kept or refused for itself.
func (s *Server) vehicles(w http.ResponseWriter, r *http.Request) {
	// The body first: before it is read, net/http does not notice that a
	// caller has gone away.
	text, err := body(r)
	trouble := s.nextTrouble()
	if !wait(r, trouble.Delay) || !s.known(w, r) || s.troubled(w, r, trouble) {
		return
	}
	var sent upload
	if err == nil {
		err = json.Unmarshal(text, &sent)
	}
	if err != nil || sent.MotorVehicleListObject == nil || len(sent.MotorVehicleListObject.MotorVehicleObject) == 0 {
		many(w, []map[string]any{s.status(r, "", statusFormat, "")})
		return
	}
	statuses := s.take(r, sent.MotorVehicleListObject.MotorVehicleObject)
	if trouble.Lost {
		panic(http.ErrAbortHandler) // cuts the connection
	}
	many(w, statuses)
}

// wait reports false if the caller has gone away meanwhile.
func wait(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
		return false
	}
}

// troubled answers in place of the server, if there is trouble.
func (s *Server) troubled(w http.ResponseWriter, r *http.Request, t Trouble) bool {
	switch {
	case t.HTTP != 0:
		w.WriteHeader(t.HTTP)
		_, _ = w.Write([]byte(t.Body))
	case t.Code != 0:
		many(w, []map[string]any{s.status(r, "", t.Code, "")})
	case t.EmptyList:
		many(w, []map[string]any{})
	default:
		return false
	}
	return true
}

// take checks and keeps vehicles and says what became of each, or of all in
// one status if those are the manners.
func (s *Server) take(r *http.Request, sent []sentVehicle) []map[string]any {
	var statuses []map[string]any
	worst := s.status(r, "", statusOK, "")
	for _, v := range sent {
		code, words := s.keep(v)
		one := s.status(r, v.MotorVehicleID, code, words)
		if code != statusOK {
			worst = one
		}
		statuses = append(statuses, one)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.manners.OneStatus {
		return []map[string]any{worst}
	}
	return statuses
}

func (s *Server) keep(v sentVehicle) (code int, words string) {
	pictures, err := v.check()
	if err != nil {
		words = strings.ReplaceAll(err.Error(), "\n", "; ")
		s.config.Logger.Warn("vehicle refused", "reason", words)
		return statusContent, words
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	times, err := s.store.add(Vehicle{
		ID: v.MotorVehicleID, Plate: v.PlateNo, PlateClass: v.PlateClass, PlateColor: v.PlateColor,
		PassTime: v.PassTime, AppearTime: v.AppearTime, DisappearTime: v.DisappearTime, Pictures: pictures,
	}, now())
	if err != nil {
		s.config.Logger.Error("journal not written", "error", err)
		return 3, ""
	}
	s.config.Logger.Info("vehicle received", "id", v.MotorVehicleID, "times", times)
	return statusOK, ""
}
