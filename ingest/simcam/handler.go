package simcam

import (
	"strings"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

var (
	_ gortsplib.ServerHandlerOnDescribe         = (*Server)(nil)
	_ gortsplib.ServerHandlerOnSetup            = (*Server)(nil)
	_ gortsplib.ServerHandlerOnPlay             = (*Server)(nil)
	_ gortsplib.ServerHandlerOnSessionClose     = (*Server)(nil)
	_ gortsplib.ServerHandlerOnStreamWriteError = (*Server)(nil)
)

// OnDescribe answers what a path shows.
func (s *Server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.stream(ctx.Conn, ctx.Request, ctx.Path)
}

// OnSetup opens a path's video for a client.
func (s *Server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.stream(ctx.Conn, ctx.Request, ctx.Path)
}

// OnPlay lets a client watch; it was let in at SETUP.
func (s *Server) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	s.log.Info("client watches", "client", ctx.Conn.NetConn().RemoteAddr(), "path", ctx.Path)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose notes that a client has gone.
func (s *Server) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.log.Info("client gone", "reason", ctx.Error)
}

// OnStreamWriteError notes that a client is too slow for the video.
func (s *Server) OnStreamWriteError(ctx *gortsplib.ServerHandlerOnStreamWriteErrorCtx) {
	s.log.Warn("client misses packets", "error", ctx.Error)
}

// stream checks credentials before it says whether a path exists.
func (s *Server) stream(conn *gortsplib.ServerConn, request *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	if !conn.VerifyCredentials(request, s.cfg.Username, s.cfg.Password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	player, ok := s.players[strings.Trim(path, "/")]
	if !ok {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, player.stream, nil
}
