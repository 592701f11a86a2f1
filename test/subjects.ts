import { type Sample, sampleOf } from "./samples.ts";

/** A table of which tests know what to send. */
export interface Subject extends Sample {
  what: string;
  /** The column by which a test finds its rows again. */
  text: string;
  /** Every other item leaves out a column that has a default, where there is one. */
  item(text: string, place?: number): Record<string, unknown>;
  /** A fault of an item, and its place in it. */
  faulty: { item: object; pointer: string };
}

/** Of the same promises for every table. */
export const items: Subject = {
  ...(await sampleOf("src")),
  what: "items",
  text: "name",
  item: (text) => ({ name: text }),
  faulty: { item: { name: "" }, pointer: "/name" },
};

const reading = { device: "123e4567-e89b-12d3-a456-426614174000", at: "2026-01-31T12:00:00.123456+01:00", value: 21.5 };

export const readings: Subject = {
  ...(await sampleOf("test/readings")),
  what: "readings",
  text: "note",
  item: (text, place = 0) => ({
    ...reading,
    note: text,
    attributes: { room: [text, 0.1] },
    ...(place % 2 === 0 && { valid: false }),
  }),
  faulty: { item: { ...reading, value: 0.12345 }, pointer: "/value" },
};

export const SUBJECTS = [items, readings];
