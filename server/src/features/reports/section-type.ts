import type { Figure, ReportTable, Series } from '@almanac/contract/report-content.ts';
import type { Static, TObject } from 'typebox';
import type { Change } from '#kernel/change.ts';
import { type ComparedPeriods, changeOf } from '#kernel/compared-periods.ts';
import type { WeekCalendar } from '#kernel/weeks.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** The days that a report is of, what they are compared with, and the moment at which it is made. */
export interface ReportPeriod extends ComparedPeriods {
  readonly calendar: WeekCalendar;
  readonly nowMs: number;
}

/** What a feature brings into a section; charts, tables of numbers and sentences are made of it by the engine. */
export interface SectionData {
  readonly figures: readonly Figure[];
  readonly series?: readonly Omit<Series, 'compared'>[];
  readonly tables?: readonly ReportTable[];
  /** Sentences that say what is to be known of the numbers, such as what is withheld. */
  readonly notes?: readonly string[];
  /** Markdown. */
  readonly text?: string;
  /** True where there is nothing to say although there are numbers, such as zeros alone. */
  readonly isEmpty?: boolean;
}

/** A number of a period and what it was in the one before, as whoever counts it knows them. */
export interface ComparedNumber
  extends Pick<Figure, 'name' | 'label' | 'value' | 'unit' | 'direction' | 'previous' | 'as_of'> {
  /** False while it, or the one before, is counted anew. */
  readonly isSettled: boolean;
  /** False where the part of the period before that it would be compared with is not known. */
  readonly isComparable?: boolean;
}

/** A number as a figure, with its change by the rule of change. */
export function compareFigure(
  { isSettled, isComparable = true, ...number }: ComparedNumber,
  { isAhead, isComplete }: Pick<ComparedPeriods, 'isAhead' | 'isComplete'>,
): Figure {
  const { value, previous } = number;
  const change: Change =
    value === null ? { percent: null } : changeOf({ isAhead, isSettled: isSettled && isComparable }, previous, value);
  return {
    ...number,
    change_percentage: change.percent,
    change_reason: change.reason ?? null,
    complete: isComplete && isSettled,
  };
}

/** What a section is read with. */
export interface SectionRequest<Options> {
  readonly period: ReportPeriod;
  readonly options: Options;
}

/** A kind of section, as the feature that can fill it registers it. */
export interface SectionType {
  readonly type: string;
  /** What it shows, in one line. */
  readonly summary: string;
  /** The options that a template may give it beside type, title and include_charts. */
  readonly options: TObject;
  /**
   * Reads the numbers of the period, in a transaction that sees one moment and is read from alone. What it throws becomes
   * the reason of a failed section.
   */
  read(tx: OrganizationTx, request: SectionRequest<Readonly<Record<string, unknown>>>): Promise<SectionData>;
}

/** Declares a section type, with the options as its schema takes them. */
export function defineSectionType<Options extends TObject>(declared: {
  readonly type: string;
  readonly summary: string;
  readonly options: Options;
  read(tx: OrganizationTx, request: SectionRequest<Static<Options>>): Promise<SectionData>;
}): SectionType {
  return declared as unknown as SectionType;
}
