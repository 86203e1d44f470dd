# dashboard_files: what the page at / consists of, as usertrail_embed takes it. The libraries are there when tools/setup brought
# them; without them the page says so.
set(dashboard ${PROJECT_SOURCE_DIR}/src/interfaces/dashboard)
set(packages ${PROJECT_SOURCE_DIR}/build/dashboard/node_modules)
set(dashboard_files dashboard/dashboard.css=${dashboard}/dashboard.css)
if(EXISTS ${packages}/uplot/dist/uPlot.iife.min.js)
  file(GLOB modules CONFIGURE_DEPENDS ${dashboard}/*.js)
  foreach(module IN LISTS modules)
    get_filename_component(name ${module} NAME)
    list(APPEND dashboard_files dashboard/${name}=${module})
  endforeach()
  list(APPEND dashboard_files index.html=${dashboard}/index.html
    dashboard/preact.js=${packages}/preact/dist/preact.umd.js
    dashboard/preact-hooks.js=${packages}/preact/hooks/dist/hooks.umd.js
    dashboard/preact.LICENSE.txt=${packages}/preact/LICENSE
    dashboard/htm.js=${packages}/htm/dist/htm.umd.js
    dashboard/htm.LICENSE.txt=${packages}/htm/LICENSE
    dashboard/uplot.js=${packages}/uplot/dist/uPlot.iife.min.js
    dashboard/uplot.css=${packages}/uplot/dist/uPlot.min.css
    dashboard/uplot.LICENSE.txt=${packages}/uplot/LICENSE)
else()
  list(APPEND dashboard_files index.html=${dashboard}/without.html)
endif()
