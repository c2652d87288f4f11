// Draws a dashboard from its own JSON and the results of its queries, with Grafana's panel components where npm has them:
// curves, numbers, bars and tables. The pie and the timeline of states are parts of Grafana itself, so those two are drawn
// here, with Grafana's colours, units and legends.
//
// `window.picture` is {dashboard, period, from, to, results, footer}: `from` and `to` are what the time picker shows, in
// milliseconds; `results` has for each panel, by its id, {from, to, targets: [[{labels, points}]]}.
import {
  applyFieldOverrides,
  createTheme,
  dateTime,
  dateTimeFormat,
  EventBusSrv,
  FieldColorModeId,
  FieldConfigOptionsRegistry,
  FieldType,
  getDisplayValueAlignmentFactors,
  getFieldDisplayName,
  getFieldDisplayValues,
  rangeUtil,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, Icon, measureText, PanelChrome, PanelContextProvider, Table, ThemeContext, TimeSeries, UPlotConfigBuilder, VizLayout, VizLegend, VizRepeater } from '@grafana/ui';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { firstValueFrom } from 'rxjs';

const { dashboard, period, from, to, results, footer } = window.picture;

// Of Grafana's grid, in pixels.
const WIDTH = 1600;
const CELL = 30;
const GAP = 8;
const MARGIN = 16;
const COLUMN = (WIDTH - 2 * MARGIN + GAP) / 24;
const TIME_ZONE = 'utc';

const theme = createTheme({ colors: { mode: 'light' } });
const asIs = (text) => text;

// Grafana cuts the last label of the time axis off when it stands at the edge. A picture cannot be reloaded a minute later.
const { getConfig } = UPlotConfigBuilder.prototype;
UPlotConfigBuilder.prototype.getConfig = function () {
  this.setPadding([null, 38, null, null]);
  return getConfig.call(this);
};

// Stands for what the plug-ins of Grafana register: every option of a field is taken as it is.
const fieldOptions = new FieldConfigOptionsRegistry(() =>
  ['unit', 'min', 'max', 'decimals', 'noValue', 'displayName', 'color', 'thresholds', 'mappings', 'custom'].map((id) => ({
    id,
    path: id,
    name: id,
    process: (value) => value,
    shouldApply: () => true,
  })),
);
// And the colours that a plug-in takes for fields without any.
const COLORS = { timeseries: FieldColorModeId.PaletteClassic, piechart: FieldColorModeId.PaletteClassic };

standardTransformersRegistry.setInit(() => {
  // One of them has two names.
  const byId = new Map(Object.values(standardTransformers).map((transformation) => [transformation.id, transformation]));
  return [...byId].map(([id, transformation]) => ({ id, name: transformation.name, transformation, editor: () => null }));
});

/** The name of a series: `{{label}}` in `format` is replaced; without format, Prometheus' notation of the labels. */
function seriesName(format, labels) {
  if (format) return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => labels[label] ?? label);
  const { __name__: name = '', ...others } = labels;
  const text = Object.entries(others).map(([label, value]) => `${label}="${value}"`);
  return name + (text.length ? `{${text.join(', ')}}` : '') || 'Value';
}

/** One frame for each series, as Grafana's data source for Prometheus makes them. */
function seriesFrames(target, series) {
  return series.map(({ labels, points }) => ({
    refId: target.refId,
    name: seriesName(target.legendFormat, labels),
    length: points.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: points.map(([at]) => at * 1000) },
      {
        name: 'Value',
        type: FieldType.number,
        labels,
        config: { displayNameFromDS: seriesName(target.legendFormat, labels) },
        values: points.map(([, value]) => value),
      },
    ],
  }));
}

/** One frame for all series of an instant query in the format `table`. */
function tableFrame(target, series) {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].sort();
  const last = series.map(({ points }) => points.at(-1));
  return {
    refId: target.refId,
    length: series.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: last.map(([at]) => at * 1000) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, config: {}, values: series.map((one) => one.labels[label] ?? '') })),
      { name: `Value #${target.refId}`, type: FieldType.number, config: {}, values: last.map(([, value]) => value) },
    ],
  };
}

async function framesOf(panel) {
  const frames = panel.targets.flatMap((target, index) => {
    const series = results[panel.id].targets[index];
    return target.format === 'table' ? [tableFrame(target, series)] : seriesFrames(target, series);
  });
  const transformed = panel.transformations?.length ? await firstValueFrom(transformDataFrame(panel.transformations, frames)) : frames;
  const { defaults, overrides } = panel.fieldConfig;
  const color = { mode: COLORS[panel.type] ?? FieldColorModeId.Thresholds };
  const fieldConfig = { defaults: { color, ...structuredClone(defaults) }, overrides };
  // JSON has null for the threshold from which the first colour holds.
  const [first] = fieldConfig.defaults.thresholds?.steps ?? [];
  if (first) first.value = -Infinity;
  const data = applyFieldOverrides({ data: transformed, fieldConfig, fieldConfigRegistry: fieldOptions, replaceVariables: asIs, theme, timeZone: TIME_ZONE });
  return { data, fieldConfig };
}

function timeRange(panel) {
  const { from: start, to: end } = results[panel.id];
  const range = { from: dateTime(start), to: dateTime(end) };
  return { ...range, raw: range };
}

function displayValues({ panel, data, fieldConfig }) {
  return getFieldDisplayValues({ data, fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: asIs, theme, timeZone: TIME_ZONE });
}

const Curves = ({ panel, data, width, height }) => (
  <TimeSeries frames={data} width={width} height={height} timeRange={timeRange(panel)} timeZone={TIME_ZONE} legend={panel.options.legend} />
);

const BigNumber = ({ width, height, ...drawn }) => {
  const { options } = drawn.panel;
  const [value] = displayValues(drawn);
  return (
    <BigValue
      value={value.display}
      count={1}
      width={width}
      height={height}
      theme={theme}
      colorMode={options.colorMode}
      graphMode={options.graphMode}
      justifyMode={options.justifyMode}
      textMode={options.textMode}
    />
  );
};

const Bars = ({ width, height, ...drawn }) => {
  const { options } = drawn.panel;
  return (
    <VizRepeater
      getValues={() => displayValues(drawn)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value: { display, view, field }, alignmentFactors, orientation, width, height, count }) => (
        <BarGauge
          value={display}
          field={field}
          display={view?.getFieldDisplayProcessor(0)}
          width={width}
          height={height}
          orientation={orientation}
          theme={theme}
          displayMode={options.displayMode}
          showUnfilled={options.showUnfilled}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          alignmentFactors={count > 1 ? alignmentFactors : undefined}
        />
      )}
      source={drawn.data}
      renderCounter={0}
      width={width}
      height={height}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight}
      itemSpacing={8}
      orientation={options.orientation}
    />
  );
};

const Rows = ({ panel, data, width, height }) => <Table data={data[0]} width={width} height={height} initialSortBy={panel.options.sortBy} />;

/** A panel with its legend, laid out by the legend's own options. */
function withLegend({ panel, width, height }, items, draw) {
  const { showLegend, placement, displayMode } = panel.options.legend;
  const legend = showLegend ? (
    <VizLayout.Legend placement={placement} maxHeight="35%" maxWidth="60%">
      <VizLegend items={items} placement={placement} displayMode={displayMode} />
    </VizLayout.Legend>
  ) : null;
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {draw}
    </VizLayout>
  );
}

const Shares = (drawn) => {
  const { panel } = drawn;
  const slices = displayValues(drawn).filter(({ display }) => display.numeric > 0);
  const whole = slices.reduce((sum, { display }) => sum + display.numeric, 0);
  const percent = (part) => `${Math.round((100 * part) / whole)}%`;
  const items = [...slices]
    .sort((left, right) => right.display.numeric - left.display.numeric)
    .map(({ display }) => ({
      label: display.title,
      color: display.color,
      yAxis: 1,
      getDisplayValues: () =>
        (panel.options.legend.values ?? []).map((kind) =>
          kind === 'percent'
            ? { numeric: display.numeric / whole, text: percent(display.numeric), title: 'Percent' }
            : { numeric: display.numeric, text: display.text + (display.suffix ?? ''), title: 'Value' },
        ),
    }));
  return withLegend(drawn, items, (width, height) => {
    const radius = Math.min(width, height) / 2 - 4;
    const hole = panel.options.pieType === 'donut' ? radius * 0.6 : 0;
    const at = (turn, distance) => `${distance * Math.sin(2 * Math.PI * turn)} ${-distance * Math.cos(2 * Math.PI * turn)}`;
    let turn = 0;
    return (
      <svg width={width} height={height}>
        <g transform={`translate(${width / 2} ${height / 2})`}>
          {slices.map(({ display }, index) => {
            const begin = turn;
            // A whole circle would end where it begins, which is no arc.
            turn += Math.min(display.numeric / whole, 0.99999);
            const large = turn - begin > 0.5 ? 1 : 0;
            const inner = hole ? `L ${at(turn, hole)} A ${hole} ${hole} 0 ${large} 0 ${at(begin, hole)}` : 'L 0 0';
            const outer = `M ${at(begin, radius)} A ${radius} ${radius} 0 ${large} 1 ${at(turn, radius)}`;
            return <path key={index} d={`${outer} ${inner} Z`} fill={display.color} stroke={theme.colors.background.primary} strokeWidth="1.5" />;
          })}
        </g>
      </svg>
    );
  });
};

const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * 60_000);

const States = (drawn) => {
  const { panel, data, fieldConfig } = drawn;
  const { from: start, to: end } = results[panel.id];
  const items = Object.values(fieldConfig.defaults.mappings[0].options).map(({ text, color }) => ({
    label: text,
    color: theme.visualization.getColorByName(color),
    yAxis: 1,
  }));
  return withLegend(drawn, items, (width, height) => {
    const names = data.map((frame) => getFieldDisplayName(frame.fields[1], frame, data));
    const left = 16 + Math.max(...names.map((name) => measureText(name, 12).width));
    const bottom = 22;
    const band = (height - bottom) / data.length;
    const x = (at) => left + ((at - start) / (end - start)) * (width - left);
    const tick = TICKS.find((step) => (end - start) / step < width / 100) ?? TICKS.at(-1);
    const ticks = [];
    for (let at = Math.ceil(start / tick) * tick; at <= end; at += tick) ticks.push(at);
    const text = { fontFamily: theme.typography.fontFamily, fontSize: 12, fill: theme.colors.text.primary };
    return (
      <svg width={width} height={height}>
        {ticks.map((at) => (
          <g key={at}>
            <line x1={x(at)} x2={x(at)} y1={0} y2={height - bottom} stroke={theme.colors.border.weak} />
            <text x={Math.min(x(at), width - 20)} y={height - 6} textAnchor="middle" {...text}>
              {dateTimeFormat(at, { format: 'HH:mm', timeZone: TIME_ZONE })}
            </text>
          </g>
        ))}
        {data.map((frame, row) => {
          const [times, states] = frame.fields;
          const step = times.values.length > 1 ? times.values[1] - times.values[0] : end - start;
          const bar = Math.min(band * (panel.options.rowHeight ?? 0.9), band - 2);
          return (
            <g key={row} transform={`translate(0 ${row * band + (band - bar) / 2})`}>
              <text x={left - 10} y={bar / 2 + 4} textAnchor="end" {...text}>
                {names[row]}
              </text>
              {times.values.map((at, index) => {
                const begin = Math.max(at, start);
                const until = Math.min(times.values[index + 1] ?? at + step, end);
                const same = index > 0 && states.values[index - 1] === states.values[index];
                // Merged with the one before, so that no seam shows.
                return (
                  <rect key={at} x={x(begin) - (same ? 1 : 0)} width={Math.max(0, x(until) - x(begin)) + (same ? 1 : 0)} height={bar} fill={states.display(states.values[index]).color} />
                );
              })}
            </g>
          );
        })}
      </svg>
    );
  });
};

const KINDS = { timeseries: Curves, stat: BigNumber, bargauge: Bars, table: Rows, piechart: Shares, 'state-timeline': States };

/** Reports what goes wrong while a panel is drawn, instead of an empty page. */
class Reported extends React.Component {
  state = {};
  static getDerivedStateFromError(error) {
    return { error };
  }
  render() {
    return this.state.error ? <pre className="fault">{`${this.props.title}: ${this.state.error.stack}`}</pre> : this.props.children;
  }
}

const box = ({ x, y, w, h }) => ({
  position: 'absolute',
  left: MARGIN + x * COLUMN,
  top: y * (CELL + GAP),
  width: w * COLUMN - GAP,
  height: h * (CELL + GAP) - GAP,
});

function Drawn({ panel, data, fieldConfig }) {
  const place = box(panel.gridPos);
  if (panel.type === 'row') {
    return (
      <div style={{ ...place, display: 'flex', alignItems: 'center', gap: 6, ...theme.typography.h5, fontWeight: 500 }}>
        <Icon name="angle-down" />
        {panel.title}
      </div>
    );
  }
  const Kind = KINDS[panel.type];
  const values = data.reduce((count, frame) => count + frame.fields.filter(({ type }) => type === FieldType.number).reduce((sum, { values }) => sum + values.length, 0), 0);
  const of = panel.timeFrom && !panel.hideTimeOverride && rangeUtil.describeTextRange(panel.timeFrom).display;
  return (
    <div style={place} data-panel={panel.id} data-values={values}>
      <Reported title={panel.title}>
        <PanelChrome
          title={panel.title}
          description={panel.description}
          width={place.width}
          height={place.height}
          titleItems={of ? <PanelChrome.TitleItem>{<><Icon name="clock-nine" size="sm" />&nbsp;{of}</>}</PanelChrome.TitleItem> : undefined}
        >
          {(width, height) =>
            values ? (
              <Kind panel={panel} data={data} fieldConfig={fieldConfig} width={width} height={height} />
            ) : (
              <p style={{ textAlign: 'center', paddingTop: height / 2 - 10, color: theme.colors.text.secondary }}>{panel.fieldConfig.defaults.noValue ?? 'No data'}</p>
            )
          }
        </PanelChrome>
      </Reported>
    </div>
  );
}

const Chip = ({ children, strong }) => (
  <span style={{ border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2, padding: '5px 8px', fontSize: 14, background: strong ? theme.colors.background.primary : theme.colors.background.secondary, fontWeight: strong ? 400 : 500 }}>
    {children}
  </span>
);

function Head() {
  const clock = (at) => dateTimeFormat(at, { format: 'YYYY-MM-DD HH:mm:ss', timeZone: TIME_ZONE });
  const current = ({ type, query, current }) => (type === 'custom' ? query.split(',')[0] : type === 'datasource' ? 'Prometheus' : current.text);
  return (
    <header style={{ padding: `12px ${MARGIN}px`, display: 'grid', gap: 12 }}>
      <div style={{ display: 'flex', alignItems: 'center', gap: 12 }}>
        <span style={{ ...theme.typography.h4, margin: 0 }}>{dashboard.title}</span>
        {dashboard.tags.map((tag) => (
          <Chip key={tag}>{tag}</Chip>
        ))}
        <span style={{ flex: 1 }} />
        <Chip strong>
          <Icon name="clock-nine" /> {period} &nbsp;·&nbsp; {clock(from)} to {clock(to)} UTC
        </Chip>
        <Chip strong>
          <Icon name="sync" /> {dashboard.refresh}
        </Chip>
      </div>
      <div style={{ display: 'flex', alignItems: 'center', gap: 16 }}>
        {dashboard.templating.list.map((variable) => (
          <span key={variable.name}>
            <Chip>{variable.label}</Chip>
            <Chip strong>{current(variable)}</Chip>
          </span>
        ))}
        <span style={{ flex: 1 }} />
        {dashboard.links.map(({ title, icon }) => (
          <Chip strong key={title}>
            <Icon name={icon === 'dashboard' ? 'apps' : 'external-link-alt'} /> {title}
          </Chip>
        ))}
      </div>
    </header>
  );
}

const panels = await Promise.all(dashboard.panels.map(async (panel) => ({ panel, ...(panel.type === 'row' ? {} : await framesOf(panel)) })));
const rows = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
const context = { eventsScope: 'global', eventBus: new EventBusSrv() };
createRoot(document.getElementById('dashboard')).render(
  <ThemeContext.Provider value={theme}>
    <PanelContextProvider value={context}>
      <div style={{ ...theme.typography.body, width: WIDTH, color: theme.colors.text.primary, background: theme.colors.background.canvas }}>
        <Head />
        <main style={{ position: 'relative', height: rows * (CELL + GAP) }}>
          {panels.map((drawn) => (
            <Drawn key={drawn.panel.id} {...drawn} />
          ))}
        </main>
        <footer style={{ padding: `4px ${MARGIN}px 12px`, fontSize: 12, color: theme.colors.text.secondary }}>{footer}</footer>
      </div>
    </PanelContextProvider>
  </ThemeContext.Provider>,
);
