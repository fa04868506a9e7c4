import type { components, operations } from "./api.gen";

type Schemas = components["schemas"];

export type Camera = Schemas["Camera"];
/** One happening at one camera; named so that it is not the DOM's Event. */
export type CameraEvent = Schemas["Event"];
export type EventList = Schemas["EventList"];
export type EventQuery = NonNullable<operations["listEvents"]["parameters"]["query"]>;
export type Box = CameraEvent["box"];
/** Where video can be played, by whoever has the address, for a while. */
export type Playback = Schemas["Playback"];
/** Where a piece of video can be fetched as one MP4 file. */
export type ClipFile = Schemas["ClipFile"];
/** A way to one camera's live video, for one viewer. */
export type LiveSession = Schemas["LiveSession"];
export type Recordings = Schemas["Recordings"];
/** From when to when, as the API writes it; not the DOM's Range. */
export type TimeRange = Schemas["Range"];
