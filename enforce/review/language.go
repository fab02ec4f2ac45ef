package review

import (
	"net/http"
	"time"

	"golang.org/x/text/language"
)

// lang is a language of the pages, as the lang attribute writes it.
type lang string

const (
	chinese lang = "zh-CN"
	english lang = "en"
)

const languageCookie = "tidewatch_language"

var matcher = language.NewMatcher([]language.Tag{language.SimplifiedChinese, language.English})

// languageOf is what the officer chose, else what the browser asks for.
// Officers work in Chinese: a browser that asks for nothing gets it, and one
// that asks for other languages only gets English.
func languageOf(r *http.Request) lang {
	if c, err := r.Cookie(languageCookie); err == nil {
		if chosen := lang(c.Value); chosen == chinese || chosen == english {
			return chosen
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(wanted) == 0 {
		return chinese
	}
	if _, index, confidence := matcher.Match(wanted...); confidence != language.No && index == 0 {
		return chinese
	}
	return english
}

// switchLanguage remembers a choice and goes back to the page it was made on.
func (s *Server) switchLanguage(w http.ResponseWriter, r *http.Request) error {
	chosen := lang(r.PostFormValue("language"))
	if chosen != chinese && chosen != english {
		return status(http.StatusBadRequest)
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: string(chosen), Path: "/",
		MaxAge:   int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.cfg.SecureCookies,
	})
	http.Redirect(w, r, localPath(r.PostFormValue("back")), http.StatusSeeOther)
	return nil
}
