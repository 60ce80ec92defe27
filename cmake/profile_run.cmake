# A script: cmake -DSOURCE=... -DBUILD=... -DSETTINGS=... -P profile_run.cmake
# Builds the program that counts in BUILD, and runs scenarios with it: counts go to BUILD/counts.
# Nothing is done that is done already.
set(scenarios cmake/profile/fleet scenarios/rekey-storm-small scenarios/handshake-lan scenarios/nat-rebind
    scenarios/certificates scenarios/esp-throughput)

function(call)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(failed)
    string(JOIN " " command ${ARGN})
    message(FATAL_ERROR "${said}\n${command}: failed (${failed}); try: cmake -DIKELAB_PROFILED=OFF")
  endif()
endfunction()

set(counts ${BUILD}/counts)
set(done ${counts}/done)
call(${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja ${SETTINGS} -DBUILD_TESTING=OFF
     -DIKELAB_PROFILE_COUNTS=${counts})
call(${CMAKE_COMMAND} --build ${BUILD} --target ikelab)
if(EXISTS ${done} AND NOT ${BUILD}/ikelab IS_NEWER_THAN ${done})
  return()
endif()
file(REMOVE_RECURSE ${counts})
foreach(scenario ${scenarios})
  call(${BUILD}/ikelab run ${SOURCE}/${scenario}.yaml --no-report --force --force-memory -o ${BUILD}/run)
endforeach()
file(REMOVE_RECURSE ${BUILD}/run)
file(TOUCH ${done})
