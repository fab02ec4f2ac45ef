package simcam

import (
	"strings"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

var (
	_ gortsplib.ServerHandlerOnConnOpen         = (*Server)(nil)
	_ gortsplib.ServerHandlerOnDescribe         = (*Server)(nil)
	_ gortsplib.ServerHandlerOnSetup            = (*Server)(nil)
	_ gortsplib.ServerHandlerOnPlay             = (*Server)(nil)
	_ gortsplib.ServerHandlerOnGetParameter     = (*Server)(nil)
	_ gortsplib.ServerHandlerOnSessionClose     = (*Server)(nil)
	_ gortsplib.ServerHandlerOnStreamWriteError = (*Server)(nil)
)

// OnConnOpen gives a connection its nonce.
func (s *Server) OnConnOpen(ctx *gortsplib.ServerHandlerOnConnOpenCtx) {
	c := new(challenge)
	ctx.Conn.SetUserData(c)
	if err := c.renew(); err != nil {
		s.log.Error("client turned away", "error", err)
		ctx.Conn.Close()
	}
}

// OnDescribe answers what a path shows.
func (s *Server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if f := s.find(ctx.Path); f != nil && f.faults.Load().Redirect != "" {
		to := base.HeaderValue{f.faults.Load().Redirect}
		return &base.Response{StatusCode: base.StatusFound, Header: base.Header{"Location": to}}, nil, nil
	}
	f, refusal, err := s.admit(ctx.Conn, ctx.Request, ctx.Path)
	if refusal != nil {
		return refusal, nil, err
	}
	body, err := f.describe()
	if err != nil {
		return &base.Response{StatusCode: base.StatusInternalServerError}, nil, err
	}
	if change := f.faults.Load().Describe; change != nil {
		body = []byte(change(string(body)))
	}
	return &base.Response{StatusCode: base.StatusOK, Body: body}, nil, nil
}

// OnSetup opens a path's video for a client.
func (s *Server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	f, refusal, err := s.admit(ctx.Conn, ctx.Request, ctx.Path)
	if refusal != nil {
		return refusal, nil, err
	}
	faults, tcp := f.faults.Load(), ctx.Transport.Protocol == gortsplib.ProtocolTCP
	if faults.NoTCP && tcp || faults.NoUDP && !tcp {
		return &base.Response{StatusCode: base.StatusUnsupportedTransport}, nil, nil
	}
	ctx.Session.SetUserData(f)
	f.joins(ctx.Session, false)
	return &base.Response{StatusCode: base.StatusOK}, f.stream, nil
}

// OnPlay lets a client watch; the path was there at SETUP.
func (s *Server) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	f := ctx.Session.UserData().(*Feed)
	if refusal, err := s.authorize(ctx.Conn, ctx.Request, f.faults.Load().Faults); refusal != nil {
		return refusal, err
	}
	f.joins(ctx.Session, true)
	s.log.Info("client watches", "client", ctx.Conn.NetConn().RemoteAddr(), "path", ctx.Path)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnGetParameter answers a keepalive, which needs credentials too.
func (s *Server) OnGetParameter(ctx *gortsplib.ServerHandlerOnGetParameterCtx) (*base.Response, error) {
	var faults Faults
	if ctx.Session != nil {
		if f, found := ctx.Session.UserData().(*Feed); found {
			faults = f.faults.Load().Faults
		}
	}
	if refusal, err := s.authorize(ctx.Conn, ctx.Request, faults); refusal != nil {
		return refusal, err
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose notes that a client has gone.
func (s *Server) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	if f, found := ctx.Session.UserData().(*Feed); found {
		f.leaves(ctx.Session)
	}
	s.log.Info("client gone", "reason", ctx.Error)
}

// OnStreamWriteError notes that a client is too slow for the video.
func (s *Server) OnStreamWriteError(ctx *gortsplib.ServerHandlerOnStreamWriteErrorCtx) {
	s.log.Warn("client misses packets", "error", ctx.Error)
}

// admit returns the feed that a request asks for, or how to refuse it. It
// checks credentials before it says whether a path exists.
func (s *Server) admit(conn *gortsplib.ServerConn, request *base.Request, path string) (*Feed, *base.Response, error) {
	f := s.find(path)
	var faults Faults
	if f != nil {
		faults = f.faults.Load().Faults
	}
	if refusal, err := s.authorize(conn, request, faults); refusal != nil {
		return nil, refusal, err
	}
	switch {
	case f == nil:
		return nil, &base.Response{StatusCode: base.StatusNotFound}, nil
	case faults.Status != 0:
		return nil, &base.Response{StatusCode: base.StatusCode(faults.Status)}, nil
	}
	return f, nil, nil
}

// find returns nil for a path that no camera has.
func (s *Server) find(path string) *Feed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.feeds[strings.Trim(path, "/")]
}
