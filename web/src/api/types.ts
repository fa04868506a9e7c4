import type { components, operations } from "./api.gen";

type Schemas = components["schemas"];

export type Camera = Schemas["Camera"];
/** One happening at one camera; named so that it is not the DOM's Event. */
export type CameraEvent = Schemas["Event"];
export type EventList = Schemas["EventList"];
export type EventQuery = NonNullable<operations["listEvents"]["parameters"]["query"]>;
export type Box = CameraEvent["box"];
