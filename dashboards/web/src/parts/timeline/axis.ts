/** Minutes since 1970 to pixels and back: the days stand side by side, each with the same hours of it. */

export interface Day {
  day: string;
  label: string;
  short: string;
  first: number;
  today: boolean;
  rest: boolean;
  when: Stretch;
}

/** Start and end in minutes since 1970. */
export type Stretch = [number, number];

export class Axis {
  readonly width: number;
  readonly hour: number;
  private readonly left: number[] = [];

  /** At least `narrowest` pixels an hour, and more where `room` has them. */
  constructor(readonly days: Day[], narrowest: number, room: number) {
    const minutes = days.reduce((sum, { when }) => sum + when[1] - when[0], 0);
    this.hour = Math.max(narrowest, (room / minutes) * 60);
    let left = 0;
    for (const { when } of days) {
      this.left.push(left);
      left += ((when[1] - when[0]) * this.hour) / 60;
    }
    this.width = left;
  }

  /** Where a moment is drawn; what lies between the hours of two days stands at their border. */
  x(minute: number): number {
    for (let index = this.days.length - 1; index > 0; index--) {
      const { when } = this.days[index]!;
      if (minute >= when[0]) return this.within(index, minute);
      if (minute > this.days[index - 1]!.when[1]) return this.left[index]!;
    }
    return this.within(0, minute);
  }

  /** The moment at a pixel. */
  at(x: number): number {
    let index = this.days.length - 1;
    while (index > 0 && x < this.left[index]!) index--;
    const { when } = this.days[index]!;
    return Math.min(when[1], Math.max(when[0], when[0] + ((x - this.left[index]!) / this.hour) * 60));
  }

  /** The day at a pixel. */
  dayAt(x: number): Day {
    const at = this.at(x);
    return this.days.find(({ when }) => at < when[1]) ?? this.days[this.days.length - 1]!;
  }

  /** Left edge and width of a stretch; null where nothing of it is shown. */
  place([start, end]: Stretch): { left: number; width: number } | null {
    const left = this.x(start);
    const width = this.x(end) - left;
    return width > 0 ? { left, width } : null;
  }

  private within(index: number, minute: number): number {
    const { when } = this.days[index]!;
    const seen = Math.min(when[1], Math.max(when[0], minute));
    return this.left[index]! + ((seen - when[0]) * this.hour) / 60;
  }
}

/** The grid line at or before a moment; grids begin at each full hour. */
export function onGrid(minute: number, grid: number): number {
  const hour = Math.floor(minute / 60) * 60;
  return hour + Math.floor((minute - hour) / grid) * grid;
}
