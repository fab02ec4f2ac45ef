"""Serves video files by GStreamer's RTSP server, until it is killed.

usage: gstreamer.py MODE PROTOCOLS PATH=ENCODING=FILE...

MODE is open or digest, with the user name and password of the environment's
INTEROP_USER and INTEROP_PASSWORD. PROTOCOLS is any, tcp or udp. The first line
printed is the port.
"""

import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

PROTOCOLS = {
    "any": GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP,
    "tcp": GstRtsp.RTSPLowerTrans.TCP,
    "udp": GstRtsp.RTSPLowerTrans.UDP,
}
ROLE = "viewer"


def factory(encoding, file, protocols):
    made = GstRtspServer.RTSPMediaFactory()
    made.set_launch(
        f'( filesrc location="{file}" ! qtdemux ! {encoding}parse'
        f" ! rtp{encoding}pay name=pay0 pt=96 config-interval=-1 )"
    )
    made.set_protocols(protocols)
    made.add_role_from_structure(role())
    return made


def role():
    structure = Gst.Structure.new_empty(ROLE)
    for permission in "media.factory.access", "media.factory.construct":
        structure.set_value(permission, True)
    return structure


def guard(server):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth.add_digest(os.environ["INTEROP_USER"], os.environ["INTEROP_PASSWORD"], token)
    server.set_auth(auth)


def main(mode, protocols, *mounts):
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    if mode == "digest":
        guard(server)
    for mount in mounts:
        path, encoding, file = mount.split("=", 2)
        server.get_mount_points().add_factory("/" + path, factory(encoding, file, PROTOCOLS[protocols]))
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main(*sys.argv[1:])
